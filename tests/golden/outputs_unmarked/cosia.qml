<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.28.0" styleCategories="Symbology">
 <renderer-v2 type="categorizedSymbol" attr="numero" enableorderby="0">
  <categories>
   <category render="true" symbol="0" value="1" type="long" label="Bâtiment"/>
   <category render="true" symbol="1" value="2" type="long" label="Zone perméable"/>
   <category render="true" symbol="2" value="3" type="long" label="Zone imperméable"/>
   <category render="true" symbol="3" value="4" type="long" label="Piscine"/>
   <category render="true" symbol="4" value="5" type="long" label="Sol nu"/>
   <category render="true" symbol="5" value="6" type="long" label="Surface eau"/>
   <category render="true" symbol="6" value="7" type="long" label="Neige"/>
   <category render="true" symbol="7" value="8" type="long" label="Conifère"/>
   <category render="true" symbol="8" value="9" type="long" label="Feuillu"/>
   <category render="true" symbol="9" value="10" type="long" label="Broussaille"/>
   <category render="true" symbol="10" value="11" type="long" label="Vigne"/>
   <category render="true" symbol="11" value="12" type="long" label="Pelouse"/>
   <category render="true" symbol="12" value="13" type="long" label="Culture"/>
   <category render="true" symbol="13" value="14" type="long" label="Terre labourée"/>
   <category render="true" symbol="14" value="15" type="long" label="Serre"/>
   <category render="true" symbol="15" value="16" type="long" label="Coupe"/>
   <category render="true" symbol="16" value="17" type="long" label="Autre"/>
  </categories>
  <symbols>
   <symbol type="fill" name="0" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="206,112,121,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="1" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="152,119,82,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="2" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="166,170,183,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="3" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="98,208,255,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="4" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="187,176,150,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="5" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="51,117,161,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="6" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="233,239,254,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="7" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="18,100,33,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="8" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="76,145,41,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="9" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="181,195,53,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="10" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="176,130,144,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="11" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="140,215,106,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="12" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="222,207,85,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="13" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="208,163,73,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="14" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="185,226,212,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="15" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="228,142,77,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="16" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="34,34,34,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
  </symbols>
 </renderer-v2>
</qgis>

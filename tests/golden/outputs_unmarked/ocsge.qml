<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.28.0" styleCategories="Symbology">
 <renderer-v2 type="categorizedSymbol" attr="code_cs" enableorderby="0">
  <categories>
   <category render="true" symbol="0" value="CS1.1.1.1" type="string" label="Zones bâties"/>
   <category render="true" symbol="1" value="CS1.1.1.2" type="string" label="Zones non bâties (routes, places, parking...)"/>
   <category render="true" symbol="2" value="CS1.1.2.1" type="string" label="Zones à matériaux minéraux"/>
   <category render="true" symbol="3" value="CS1.1.2.2" type="string" label="Zones à autres matériaux composites"/>
   <category render="true" symbol="4" value="CS1.2.1" type="string" label="Sols nus"/>
   <category render="true" symbol="5" value="CS1.2.2" type="string" label="Surfaces d'eau"/>
   <category render="true" symbol="6" value="CS1.2.3" type="string" label="Névés et glaciers"/>
   <category render="true" symbol="7" value="CS2.1.1.1" type="string" label="Peuplement de feuillus"/>
   <category render="true" symbol="8" value="CS2.1.1.2" type="string" label="Peuplement de conifères"/>
   <category render="true" symbol="9" value="CS2.1.1.3" type="string" label="Peuplement mixte"/>
   <category render="true" symbol="10" value="CS2.1.2" type="string" label="Formations arbustives et sous-arbrisseaux"/>
   <category render="true" symbol="11" value="CS2.1.3" type="string" label="Autres formations ligneuses (vignes et autres lianes)"/>
   <category render="true" symbol="12" value="CS2.2.1" type="string" label="Formations herbacées (pelouses, prairies, terres arables, roselières)"/>
   <category render="true" symbol="13" value="CS2.2.2" type="string" label="Autres formations non ligneuses"/>
  </categories>
  <symbols>
   <symbol type="fill" name="0" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="255,55,122,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="1" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="255,145,145,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="2" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="255,255,153,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="3" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="166,77,0,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="4" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="204,204,204,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="5" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="0,204,242,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="6" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="166,230,204,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="7" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="128,255,0,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="8" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="0,166,0,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="9" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="128,190,0,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="10" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="166,255,128,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="11" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="230,128,0,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="12" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="204,242,77,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
   <symbol type="fill" name="13" alpha="1"><layer class="SimpleFill" enabled="1"><Option type="Map"><Option type="QString" name="color" value="204,255,204,255"/><Option type="QString" name="style" value="solid"/><Option type="QString" name="outline_style" value="no"/></Option></layer></symbol>
  </symbols>
 </renderer-v2>
</qgis>

"""Which ground to label next: what is worth knowing of it, against what it costs to say."""

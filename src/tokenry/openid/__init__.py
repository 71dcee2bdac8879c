"""Being a relying party of OpenID providers: asking where they are, sending people there, judging what they say."""

"""The rendered people whom small encoders are trained on before a method begins from them."""

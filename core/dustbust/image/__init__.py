"""Arrays as pictures: channels, filters, morphology."""

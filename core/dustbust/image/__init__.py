"""Arrays as pictures: channels, filters, morphology, blocks, robust statistics."""

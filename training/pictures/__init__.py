"""Pictures made for training: what people send and MNIST lacks, drawn and photographed by programs."""

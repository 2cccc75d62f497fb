RESET enable_seqscan;

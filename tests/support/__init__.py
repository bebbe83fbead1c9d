"""What tests of several folders share: the command line, spec files, families of tests."""

"""Imports: the option `import_` (`option`), and a program and its state written from an account (`account`)."""

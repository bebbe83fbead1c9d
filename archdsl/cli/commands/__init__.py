"""The subcommands of ``archdsl``, one module each; a module's ``command`` is what runs."""

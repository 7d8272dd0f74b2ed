"""The Hub's subcommands of ``baton``; one module a command."""

"""``python -m baton_desk`` serves the desk."""

from baton_desk.cli import command

if __name__ == "__main__":
    command(["serve"], prog_name="baton desk")

"""What the desk answers over HTTP: the API and the pages."""

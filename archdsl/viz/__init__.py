"""Pictures of networks: figures, volumes, interactive pages, charts, differences, notebooks."""

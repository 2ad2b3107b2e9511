"""Plans and results for people and programs: lines (plain or coloured), live on a terminal, JSON as Pulumi's."""

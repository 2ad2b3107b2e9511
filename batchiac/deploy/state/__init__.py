"""What a stack's state is, how it is kept safe, and where: Pulumi's checkpoint in Pulumi's file backend, or memory."""

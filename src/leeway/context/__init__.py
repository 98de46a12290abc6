"""What else is known of a finding: ordinary upkeep. Deployments, intelligence and peers come with their own issues."""

from leeway.context.upkeep_context import in_context

__all__ = ["in_context"]

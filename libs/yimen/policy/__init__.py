"""Policy packs: load, check, decide, explain. Pure; a pack that is not proven safe is refused."""

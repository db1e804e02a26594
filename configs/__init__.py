"""Profiles: YAML files and the environment in, typed settings out. Knows nothing of any capability."""

from configs.paths import cache_dir, data_dir
from configs.profile import ConfigError, ProfileSettings, Section, known_profiles
from configs.server import ServerConfig

__all__ = ["ConfigError", "ProfileSettings", "Section", "ServerConfig", "cache_dir", "data_dir", "known_profiles"]

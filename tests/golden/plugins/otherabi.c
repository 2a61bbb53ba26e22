/* otherabi.c - a plugin for a host of another day: its ABI number fits no Postern. */
#include "config.h"

#include "postern/plugin.h"

const struct postern_plugin postern_plugin = {
	.abi_major = 99, .abi_minor = 0, .size = sizeof(struct postern_plugin),
	.name = "otherabi", .version = "1", .doc = "of another ABI",
	.roles = POSTERN_SCANNER,
};

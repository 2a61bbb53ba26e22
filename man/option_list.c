/* option_list.c - prints the list of a plugin's options for its man page; runs while Postern is built and is not installed.
 *
 * It opens the object just built by itself: the host's care about who may
 * write to a plugin is not needed for printing a table. */
#include "config.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "plugin/host.h"
#include "plugin/inside.h"

/* "plugins/scanner/clamd.la" to the object that libtool keeps behind it. */
static int object_path(const char *la, char path[PATH_MAX])
{
	const char *slash = strrchr(la, '/');
	const char *base = slash ? slash + 1 : la;
	const char *dot = strrchr(base, '.');
	int n = snprintf(path, PATH_MAX, "./%.*s" LT_OBJDIR "%.*s.so", (int)(base - la), la, (int)(dot ? dot - base : 0), base);
	return dot && n < PATH_MAX ? 0 : -1;
}

int main(int argc, char **argv)
{
	char path[PATH_MAX];
	if (argc != 2 || object_path(argv[1], path) != 0 || plugin_export_count == 0) {
		fprintf(stderr, "usage: option_list plugins/ROLE/NAME.la\n");
		return 64;
	}
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct postern_plugin *p = object ? dlsym(object, "postern_plugin") : NULL;
	if (!p) {
		fprintf(stderr, "option_list: %s\n", dlerror());
		return 1;
	}
	plugin_print_options(stdout, p);
	return fflush(stdout) == 0 ? 0 : 1;
}

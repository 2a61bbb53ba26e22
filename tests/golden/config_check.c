/* config_check.c - evaluates one configuration file and prints what is wrong with it; with -n also what differs from the defaults.
 *
 * The golden tests of configuration errors run it, so that they need no daemon. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "config/config.h"
#include "template/renewal.h"

static void print_listeners(const struct config *c)
{
	const char *const *list = config_listen_sockets(c, (void *)c);

	for (size_t i = 0; list[i]; i++)
		printf("listen %s\n", list[i]);
}

static bool is_table(const struct plugin_instance *i)
{
	return (i->plugin->roles & POSTERN_LOOKUP) != 0;
}

/* Tables in files, as posternd -t reads them. */
static unsigned read_tables(const struct config *c)
{
	GPtrArray *problems = g_ptr_array_new_with_free_func(g_free), *left_out = g_ptr_array_new_with_free_func(g_free);
	size_t count;
	struct plugin_instance *const *instances = config_instances(c, &count);
	unsigned errors;

	renewal_load(instances, count, is_table, problems, left_out);
	for (guint i = 0; i < problems->len; i++)
		printf("%s\n", (const char *)g_ptr_array_index(problems, i));
	for (guint i = 0; i < left_out->len; i++)
		printf("left out: %s\n", (const char *)g_ptr_array_index(left_out, i));
	errors = problems->len;
	g_ptr_array_free(problems, TRUE);
	g_ptr_array_free(left_out, TRUE);
	return errors;
}

int main(int argc, char **argv)
{
	struct config_options options = { .load_plugins = true, .build_dir = getenv("POSTERN_BUILD") };
	GPtrArray *problems;
	struct config *c;
	unsigned errors;
	const char *mode = "";

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-')
			mode = argv[i];
		else
			options.file = argv[i];
	}
	c = config_load(&options, &problems);
	config_print_problems(stdout, problems);
	errors = config_error_count(problems);
	if (errors == 0)
		errors = read_tables(c);
	if (!strcmp(mode, "-n") || !strcmp(mode, "-nj"))
		config_print_changed(stdout, c, mode[2] == 'j');
	if (!strcmp(mode, "-d") || !strcmp(mode, "-dj"))
		config_print_defaults(stdout, mode[2] == 'j');
	if (!strcmp(mode, "-m"))
		config_print_manual(stdout);
	if (!strcmp(mode, "-l"))
		print_listeners(c);
	g_ptr_array_free(problems, TRUE);
	talloc_free(c);
	return errors ? 78 : 0;
}

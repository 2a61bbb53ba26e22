/* main.c - reads the command line, chooses the role that this process plays and runs it; nothing else. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <glib.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "master/master.h"
#include "template/check_run.h"
#include "template/role.h"

enum action { RUN, CHECK, PRINT_CHANGED, PRINT_DEFAULTS, PRINT_MANUAL };

struct command_line {
	struct role_options role_options;
	enum role role;
	enum action action;
	unsigned thorough;
	bool json;
	char config_file[PATH_MAX], plugin_dir[PATH_MAX], build_dir[PATH_MAX];
};

static void usage(FILE *to)
{
	fputs("usage: posternd [-c FILE] [-f]          run (-f: in the foreground, logging to standard error)\n"
		"       posternd [-c FILE] -t           check the configuration (-tt: scanners and databases too)\n"
		"       posternd [-c FILE] -n [--json]  settings that differ from their default\n"
		"       posternd -d [--json]            all settings with their defaults and meaning\n"
		"       posternd -V | -h\n"
		"  --plugin-dir DIR  where plugins are (" PLUGINDIR ")\n"
		"  --build-dir DIR   take plugins from a build tree instead\n"
		"  --unjailed        openers without their jail: for debugging only\n", to);
}

static bool absolute(const char *given, char *out, const char *what)
{
	if (realpath(given, out))
		return true;
	fprintf(stderr, "posternd: %s %s: %s\n", what, given, strerror(errno));
	return false;
}

/* The other roles have the master's absolute path; where that file has gone, loading it says so to who asked for a reload. */
static int resolve_config(struct command_line *c)
{
	if (!c->role_options.config_file || c->role != ROLE_MASTER)
		return 0;
	if (!absolute(c->role_options.config_file, c->config_file, "configuration"))
		return 78;
	c->role_options.config_file = c->config_file;
	return 0;
}

/* Without -c the installed file counts; where there is none, the embedded default. */
static void default_config(struct command_line *c)
{
	const char *installed = SYSCONFDIR "/postern/postern.lua";
	if (!c->role_options.config_file && c->role == ROLE_MASTER && access(installed, F_OK) == 0)
		c->role_options.config_file = installed;
}

static int take_option(struct command_line *c, int option)
{
	switch (option) {
	case 'c': c->role_options.config_file = optarg; return 0;
	case 'f': c->role_options.foreground = true; return 0;
	case 't': c->action = CHECK; c->thorough++; return 0;
	case 'n': c->action = PRINT_CHANGED; return 0;
	case 'd': c->action = PRINT_DEFAULTS; return 0;
	case 'j': c->json = true; return 0;
	case 'M': c->action = PRINT_MANUAL; return 0;
	case 'P':
		if (!absolute(optarg, c->plugin_dir, "--plugin-dir"))
			return 64;
		c->role_options.plugin_dir = c->plugin_dir;
		return 0;
	case 'B':
		if (!absolute(optarg, c->build_dir, "--build-dir"))
			return 64;
		c->role_options.build_dir = c->build_dir;
		return 0;
	case 'U': c->role_options.unjailed = true; return 0;
	case 'R': c->role = role_from_name(optarg); return c->role == ROLE_COUNT ? 64 : 0;
	case 'G': c->role_options.generation = (unsigned)strtoul(optarg, NULL, 10); return 0;
	case 'V': puts("posternd " VERSION_TEXT); exit(0);
	case 'h': usage(stdout); exit(0);
	default: usage(stderr); return 64;
	}
}

static int read_command_line(int argc, char **argv, struct command_line *c)
{
	static const struct option longs[] = {
		{ "plugin-dir", required_argument, NULL, 'P' }, { "build-dir", required_argument, NULL, 'B' }, { "unjailed", no_argument, NULL, 'U' },
		{ "role", required_argument, NULL, 'R' }, { "generation", required_argument, NULL, 'G' }, { "json", no_argument, NULL, 'j' },
		{ "manual", no_argument, NULL, 'M' }, { "version", no_argument, NULL, 'V' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	int option, code = 0;
	c->role_options.plugin_dir = PLUGINDIR;
	while (code == 0 && (option = getopt_long(argc, argv, "c:ftndVh", longs, NULL)) != -1)
		code = take_option(c, option);
	if (code == 0 && optind < argc) {
		fprintf(stderr, "posternd: what is \"%s\"?\n", argv[optind]);
		usage(stderr);
		code = 64;
	}
	default_config(c);
	return code ? code : resolve_config(c);
}

static int print_settings(const struct command_line *c)
{
	GPtrArray *problems;
	if (c->action == PRINT_DEFAULTS || c->action == PRINT_MANUAL) {
		if (c->action == PRINT_DEFAULTS)
			config_print_defaults(stdout, c->json);
		else
			config_print_manual(stdout);
		return 0;
	}
	struct config_options options = {
		.file = c->role_options.config_file, .plugin_dir = c->role_options.plugin_dir, .build_dir = c->role_options.build_dir,
		.embedded = config_embedded_default, .load_plugins = true,
	};
	struct config *config = config_load(&options, &problems);
	config_print_problems(stderr, problems);
	config_print_changed(stdout, config, c->json);
	return config_error_count(problems) ? 78 : 0;
}

/* Fork into the background; the parent stays until the first generation is in force or has failed. */
static int run_in_background(const struct role_options *o)
{
	int ends[2];
	if (pipe(ends) != 0)
		return 71;
	pid_t pid = fork();
	if (pid < 0)
		return 71;
	if (pid == 0) {
		close(ends[0]);
		setsid();
		if (!freopen("/dev/null", "r", stdin) || !freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
			_exit(71);
		return master_run(o, ends[1]);
	}
	close(ends[1]);
	FILE *from = fdopen(ends[0], "r");
	char line[2048];
	int code = from && fgets(line, sizeof line, from) ? atoi(line) : 70;
	while (from && fgets(line, sizeof line, from))
		fputs(line, stderr);
	return code;
}

static int run_role(const struct command_line *c)
{
	const struct role_options *o = &c->role_options;
	switch (c->role) {
	case ROLE_WORKER_TEMPLATE: return worker_template_run(o);
	case ROLE_OPENER_TEMPLATE: return opener_template_run(o);
	case ROLE_RECEPTION: return reception_role_run(o);
	default: return o->foreground ? master_run(o, -1) : run_in_background(o);
	}
}

int main(int argc, char **argv)
{
	static struct command_line c;
	int code = read_command_line(argc, argv, &c);
	if (code != 0)
		return code;
	/* Large mails: without this every big buffer is fresh pages from the kernel (15 % of a worker's time at 1 MiB). */
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	/* A peer that has gone and a file that may not grow are errors to be handled, in every role. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	switch (c.action) {
	case CHECK: return check_run(&c.role_options, c.thorough > 1);
	case RUN: return run_role(&c);
	default: return print_settings(&c);
	}
}

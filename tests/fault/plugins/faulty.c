/* faulty.c - a scanner that misbehaves on demand: "X-Try: WHAT" in the header of a mail says how.
 *
 * Built twice: faultyopener runs in the opener, faultyworker in the worker.
 * Option load = "hang" makes a template that never becomes ready.  Never installed. */
#include "config.h"
#include <postern/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EATEN_MAX (1024u * 1024 * 1024)	/* where no limit stops it (none is set under AddressSanitizer) */
#define BITE (16u * 1024 * 1024)

struct options { const char *load; };

static const struct postern_option options[] = {
	{ .name = "load", .type = POSTERN_STRING, .offset = offsetof(struct options, load), .value = "", .doc = "hang: never come back from load" },
	{ 0 },
};

static void hang(void)
{
	for (;;)
		sleep(1);
}

static void spin(void)
{
	for (volatile unsigned i = 0;; i++)
		;
}

static void eat(void)
{
	for (size_t eaten = 0; eaten < EATEN_MAX; eaten += BITE) {
		char *bite = malloc(BITE);
		if (!bite)
			break;
		memset(bite, 1, BITE);
	}
	abort();	/* as most programs do when memory ends */
}

static void try(const char *what)
{
	if (strcmp(what, "crash") == 0)
		abort();	/* a signal, but not one that a sanitizer would report as a fault of ours */
	else if (strcmp(what, "hang") == 0)
		hang();
	else if (strcmp(what, "spin") == 0)
		spin();
	else if (strcmp(what, "exit") == 0)
		_exit(0);
	else if (strcmp(what, "eat") == 0)
		eat();
}

static enum postern_result faulty_scan(struct postern_call *c, const struct postern_mail *mail)
{
	char head[4096], *at;
	ssize_t n = pread(postern_mail_fd(mail), head, sizeof head - 1, 0);
	head[n > 0 ? n : 0] = '\0';
	at = strstr(head, "X-Try: ");
	if (!at)
		return POSTERN_OK;
	at += 7;
	at[strcspn(at, "\r\n")] = '\0';
	try(at);
	return POSTERN_OK;
}

static enum postern_result faulty_load(struct postern_instance *i, struct postern_error *e)
{
	const struct options *o = postern_options(i);
	if (strcmp(o->load, "hang") == 0)
		hang();
	return POSTERN_OK;
}

static const struct postern_scanner_ops scanner = { .size = sizeof scanner, .scan = faulty_scan };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD,
#ifdef FAULTY_IN_OPENER
	.name = "faultyopener", .capabilities = POSTERN_CAP_HOSTILE_PARSER,
#else
	.name = "faultyworker",
#endif
	.version = "1", .doc = "misbehaves on demand",
	.roles = POSTERN_SCANNER, .load = faulty_load,
	.options = options, .options_size = sizeof(struct options), .scanner = &scanner,
};

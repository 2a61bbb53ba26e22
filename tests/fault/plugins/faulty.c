/* faulty.c - a scanner that misbehaves on demand: "X-Try: WHAT" in the header of a mail says how.
 *
 * Built twice: faultyopener runs in the opener, faultyworker in the worker.
 * Option load = "hang" makes a template that never becomes ready; while the file of the option `trap` is there, asking for
 * the version is the end.  Never installed. */
#include "config.h"
#include <postern/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EATEN_MAX (1024u * 1024 * 1024)	/* where no limit stops it (none is set under AddressSanitizer) */
#define BITE (16u * 1024 * 1024)
#define LEAKED 3	/* descriptors a call */
#define NAME_BYTES (300 * 1024)
#define NAMES 5000

struct options { const char *load, *trap; bool reacts; };

static const struct postern_option options[] = {
	{ .name = "load", .type = POSTERN_STRING, .offset = offsetof(struct options, load), .value = "", .doc = "hang: never come back from load" },
	{ .name = "trap", .type = POSTERN_FILE, .offset = offsetof(struct options, trap), .doc = "while it is there, version() crashes" },
	{ .name = "reacts", .type = POSTERN_BOOL, .offset = offsetof(struct options, reacts), .value = "true", .doc = "false: it behaves" },
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

/* dup(2), as the jail lets nobody open what is not there. */
static void leak(void)
{
	for (int k = 0; k < LEAKED; k++)
		if (dup(STDERR_FILENO) < 0)
			break;
}

/* Names that nobody would believe: long, of bytes that are no text, empty, and more than anybody counts. */
static void find_nonsense(struct postern_call *c)
{
	static const char odd[] = "\r\nX-Forged: yes\r\n\xff\xfe\x1b[31m";
	char *name = malloc(NAME_BYTES + 1), number[32];
	memset(name, 'N', NAME_BYTES);
	memcpy(name, odd, sizeof odd - 1);
	name[NAME_BYTES] = '\0';
	postern_found(c, NULL, name);
	postern_found(c, NULL, "");
	postern_found(c, NULL, NULL);
	for (int k = 0; k < NAMES; k++) {
		snprintf(number, sizeof number, "Many.%d", k);
		postern_found(c, NULL, number);
	}
	postern_set_version(c, name);
	postern_set_output(c, name, NAME_BYTES);
	free(name);
}

static enum postern_result try(struct postern_call *c, const char *what)
{
	if (strcmp(what, "crash") == 0)
		abort();	/* a signal, but not one that a sanitizer would report as a fault of ours */
	else if (strcmp(what, "hang") == 0)
		hang();
	else if (strcmp(what, "spin") == 0)
		spin();
	else if (strcmp(what, "exit") == 0)
		exit(0);
	else if (strcmp(what, "leave") == 0)
		_exit(0);
	else if (strcmp(what, "leak") == 0)
		leak();
	else if (strcmp(what, "names") == 0)
		find_nonsense(c);
	else if (strcmp(what, "result") == 0)
		return (enum postern_result)99;
	else if (strcmp(what, "broken") == 0)
		return postern_fail(c, POSTERN_BROKEN, "%s", "\x1b[31mbroken\r\n");
	else if (strcmp(what, "eat") == 0)
		eat();
	return POSTERN_OK;
}

static enum postern_result faulty_scan(struct postern_call *c, const struct postern_mail *mail)
{
	const struct options *o = postern_options(postern_call_instance(c));
	char head[4096], *at;
	ssize_t n = pread(postern_mail_fd(mail), head, sizeof head - 1, 0);
	head[n > 0 ? n : 0] = '\0';
	at = strstr(head, "X-Try: ");
	if (!at || !o->reacts)
		return POSTERN_OK;
	at += 7;
	at[strcspn(at, "\r\n")] = '\0';
	return try(c, at);
}

static enum postern_result faulty_load(struct postern_instance *i, struct postern_error *e)
{
	const struct options *o = postern_options(i);
	if (strcmp(o->load, "hang") == 0)
		hang();
	return POSTERN_OK;
}

static enum postern_result faulty_version(struct postern_call *c)
{
	const struct options *o = postern_options(postern_call_instance(c));
	if (o->trap && access(o->trap, F_OK) == 0)
		abort();
	return POSTERN_OK;
}

static const struct postern_scanner_ops scanner = { .size = sizeof scanner, .scan = faulty_scan, .version = faulty_version };

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

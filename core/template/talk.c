/* talk.c - records between master and roles; it decides nothing. */
#include "template/talk.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <talloc.h>
#include <unistd.h>

#include "base/fdpass.h"

int talk_send_text(int fd, enum record_kind kind, const char *text)
{
	struct wire_writer w = { 0 };
	size_t n;
	text_record_write(&w, kind, text);
	const void *data = wire_end(&w, &n);
	int rc = fdpass_send(fd, data, n, NULL, 0, 0);
	wire_free(&w);
	return rc;
}

int talk_send_ledger(int fd, int ledger_fd)
{
	struct wire_writer w = { 0 };
	size_t n;
	text_record_write(&w, RECORD_LEDGER, "");
	const void *data = wire_end(&w, &n);
	int rc = fdpass_send(fd, data, n, &ledger_fd, ledger_fd >= 0, 0);
	wire_free(&w);
	return rc;
}

int talk_receive_ledger(int fd, int *ledger_fd)
{
	char buffer[256];
	int fds[FDPASS_MAX], count = FDPASS_MAX;
	struct wire_reader r;
	ssize_t n;
	do
		n = fdpass_receive(fd, buffer, sizeof buffer, fds, &count, 0);
	while (n < 0 && errno == EINTR);
	*ledger_fd = -1;
	if (n <= 0)
		return -1;
	if (count > 1 || !wire_open(&r, buffer, (size_t)n) || r.kind != RECORD_LEDGER) {
		fdpass_close_all(fds, count);
		return -1;
	}
	if (count == 1)
		*ledger_fd = fds[0];
	return 0;
}

int talk_send_settings(int fd, const struct settings_record *s)
{
	struct wire_writer w = { 0 };
	size_t n;
	settings_record_write(&w, s);
	const void *data = wire_end(&w, &n);
	int rc = fdpass_send(fd, data, n, NULL, 0, 0);
	wire_free(&w);
	return rc;
}

/* One record into a malloc'd buffer; its length, 0 at end of file, -1. */
static ssize_t receive(int fd, char **buffer)
{
	*buffer = malloc(FDPASS_RECORD_MAX);
	if (!*buffer)
		abort();
	ssize_t n;
	do
		n = fdpass_receive(fd, *buffer, FDPASS_RECORD_MAX, NULL, NULL, 0);
	while (n < 0 && errno == EINTR);
	return n;
}

enum record_kind talk_receive_text(int fd, void *owner, char **text)
{
	char *buffer;
	struct wire_reader r;
	ssize_t n = receive(fd, &buffer);
	int kind = n == 0 || (n < 0 && errno == ECONNRESET) ? 0 : -1;
	if (n > 0 && wire_open(&r, buffer, (size_t)n)) {
		kind = r.kind;
		if (text)
			*text = text_record_read(&r, owner);
	}
	free(buffer);
	return (enum record_kind)kind;
}

int talk_receive_settings(int fd, void *owner, struct settings_record *s)
{
	char *buffer;
	struct wire_reader r;
	ssize_t n = receive(fd, &buffer);
	int rc = -1;
	if (n > 0 && wire_open(&r, buffer, (size_t)n) && r.kind == RECORD_SETTINGS)
		rc = settings_record_read(&r, owner, s);
	free(buffer);
	return rc;
}

const char *const *talk_settings_list(const struct settings_record *s, const char *name, void *owner)
{
	const char **list = NULL;
	unsigned count = 0;
	for (uint32_t i = 0; i < s->count; i++) {
		if (strcmp(s->pairs[i].name, name) != 0)
			continue;
		list = talloc_realloc(owner, list, const char *, count + 2);
		list[count++] = s->pairs[i].value;
		list[count] = NULL;
	}
	return list;
}

static void watched_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGUSR1);
}

int talk_signal_fd(void)
{
	sigset_t set;
	watched_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void talk_unblock_signals(void)
{
	sigset_t set;
	watched_signals(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* reception_probe.c - reception alone, between a test's client and workers that act as the mail's sender says.
 *
 * Usage: reception_probe [NAME=VALUE ...]     settings of the record; besides: workers=N (default 1), questions=N (0), unix=PATH, per=NAME
 * It prints "port N", then what the workers see; commands come on standard input:
 *   drain | kill-master | worker (one more) | state
 * and at the end "exit N" and what the shared memory then holds.
 *
 * The local part of a mail's sender, cut at '+', says what the worker does:
 *   show commit commitall die slow<ms> hang tempfail reject mixed leaving retire long evil malformed bad
 * Workers of questions= answer RCPT jobs by the recipient's local part: big, later, passed, hang, die; else nothing is against it. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "reception/reception.h"
#include "wire/ledger_slots.h"

#define WORKERS_MAX 64

struct probe {
	struct shared *shared;
	int token_fd[2], master_fd[2];
	pid_t reception, workers[WORKERS_MAX];
	unsigned worker_count;
	uint8_t record[FDPASS_RECORD_MAX];
};

struct work {
	struct probe *probe;
	uint32_t slot;
	int fd;
	int mail_fd;
	void *owner;
	struct job job;
	struct envelope envelope;
	bool cancelled;
};

/* --- what is printed --- */

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *line = g_strdup_vprintf(format, args);
	va_end(args);
	char *full = g_strconcat(line, "\n", NULL);
	if (write(STDOUT_FILENO, full, strlen(full)) < 0)
		_exit(3);
	g_free(full);
	g_free(line);
}

static void say_field(const char *name, const char *value)
{
	if (value != NULL)
		say("  %s: %s", name, value);
}

static void show_envelope(const struct envelope *e)
{
	say_field("protocol", e->protocol);
	say_field("peer", e->peer_address);
	say_field("helo", e->helo);
	say_field("ret", e->ret);
	say_field("envid", e->envid);
	say_field("auth", e->auth);
	say_field("client address", e->client.address);
	say_field("client port", e->client.port);
	say_field("client name", e->client.name);
	say_field("client helo", e->client.helo);
	say_field("client protocol", e->client.protocol);
	say_field("client source", e->client.source);
	say_field("client ident", e->client.ident);
	say("  body: %u smtputf8: %u declared: %lld bare: %u", e->body_8bitmime, e->smtputf8, (long long)e->declared_size, e->had_bare_cr_or_lf);
	for (uint32_t i = 0; i < e->recipient_count; i++)
		say("  to: <%s> notify %u orcpt %s", e->recipients[i].address, e->recipients[i].notify,
			e->recipients[i].orcpt != NULL ? e->recipients[i].orcpt : "-");
}

static void show_mail(const struct work *w)
{
	char buffer[2000];
	struct stat st;
	ssize_t n = pread(w->mail_fd, buffer, sizeof buffer - 1, 0);
	buffer[n > 0 ? n : 0] = '\0';
	GString *text = g_string_new(NULL);
	for (ssize_t i = 0; i < n; i++) {
		if (buffer[i] == '\r' || buffer[i] == '\n')
			g_string_append(text, buffer[i] == '\r' ? "\\r" : "\\n");
		else if (buffer[i] < ' ')
			g_string_append_printf(text, "\\%03o", (unsigned char)buffer[i]);
		else
			g_string_append_c(text, buffer[i]);
	}
	say("  mail: %s", text->str);
	g_string_free(text, TRUE);
	if (fstat(w->mail_fd, &st) != 0 || (st.st_mode & 0777) != 0400 || write(w->mail_fd, "x", 1) >= 0)
		say("  mail can be written to");
}

/* --- a worker --- */

static bool told(const struct work *w, const char *word)
{
	const char *at = strchr(w->envelope.sender, '@');
	char *local = g_strndup(w->envelope.sender, at != NULL ? (size_t)(at - w->envelope.sender) : strlen(w->envelope.sender));
	char **words = g_strsplit(local, "+", -1);
	bool found = g_strv_contains((const char *const *)words, word);
	g_strfreev(words);
	g_free(local);
	return found;
}

static int told_number(const struct work *w, const char *word)
{
	const char *at = strstr(w->envelope.sender, word);
	return at != NULL ? atoi(at + strlen(word)) : 0;
}

static void send_record(struct work *w, struct wire_writer *writer)
{
	size_t n;
	const void *bytes = wire_end(writer, &n);
	fdpass_send(w->fd, bytes, n, NULL, 0, 0);
	wire_free(writer);
}

static void commit(struct work *w, uint32_t count)
{
	struct wire_writer writer = { 0 };
	uint32_t numbers[16];
	struct committed c = { .count = count, .recipients = numbers, .reply = "250 2.0.0 Ok committed" };
	for (uint32_t i = 0; i < count; i++) {
		numbers[i] = i;
		ledger_delivered_pending(w->probe->shared,
			ledger_key_make(w->probe->shared->workers[w->slot].digest, w->envelope.sender, w->envelope.recipients[i].address), w->job.owner_pid);
	}
	committed_write(&writer, &c);
	send_record(w, &writer);
}

static const char *reply_for(const struct work *w, const char *to)
{
	if (told(w, "tempfail") || (told(w, "mixed") && g_str_has_prefix(to, "temp")))
		return "450 4.1.1 from MTA: 450 try later";
	if (told(w, "reject") || (told(w, "mixed") && g_str_has_prefix(to, "reject")))
		return "554 5.7.1 id=x - BANNED: .exe";
	if (told(w, "evil"))
		return "250 2.0.0 one\r\n250 2.0.0 two\r\n354 three";
	if (told(w, "foreign"))
		return "554 5.7.1 id=x - INFECTED: gr\xc3\xbc\xc3\x9f";
	if (told(w, "malformed"))
		return "done";
	return "250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as X";
}

static char *long_reply(void)
{
	GString *text = g_string_new("250 2.0.0");
	for (unsigned i = 0; i < 130; i++)
		g_string_append_printf(text, " word-%03u", i);
	return g_string_free(text, FALSE);
}

static void answer(struct work *w)
{
	struct wire_writer writer = { 0 };
	struct result r = { .recipient_count = w->envelope.recipient_count, .leaving = told(w, "leaving") };
	char *lengthy = long_reply();
	r.replies = talloc_array(w->owner, const char *, r.recipient_count);
	r.reply = "250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as X";
	for (uint32_t i = 0; i < r.recipient_count; i++) {
		r.replies[i] = told(w, "long") ? lengthy : reply_for(w, w->envelope.recipients[i].address);
		if (i == 0 || r.replies[i][0] == '4')
			r.reply = r.replies[i];
	}
	if (told(w, "bad"))
		r.recipient_count = 0;
	result_write(&writer, &r);
	send_record(w, &writer);
	g_free(lengthy);
}

/* Says that it would leave, and does a job that is on its way all the same; else the end of file comes. */
static void retire(struct work *w)
{
	struct wire_writer writer = { 0 };
	text_record_write(&writer, RECORD_RETIRING, "");
	send_record(w, &writer);
}

/* Sleeps, but notices what reception says. */
static void wait_for_cancel(struct work *w, int timeout_ms)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };
	struct wire_reader r;
	if (poll(&p, 1, timeout_ms) <= 0)
		return;
	ssize_t n = fdpass_receive(w->fd, w->probe->record, sizeof w->probe->record, NULL, NULL, MSG_DONTWAIT);
	w->cancelled = true;
	if (n > 0 && wire_open(&r, w->probe->record, (size_t)n) && r.kind == RECORD_CANCEL)
		say("CANCEL %s", w->job.log_id);
	else
		say("LOST %s", w->job.log_id);
}

/* false: the worker ends */
static bool work_on(struct work *w)
{
	struct shared_worker *slot = &w->probe->shared->workers[w->slot];
	g_strlcpy(slot->log_id, w->job.log_id, sizeof slot->log_id);
	memset(slot->digest, 7, sizeof slot->digest);
	say("JOB %s from <%s> recipients %u size %llu", w->job.log_id, w->envelope.sender, w->envelope.recipient_count, (unsigned long long)w->job.size_bytes);
	if (told(w, "show")) {
		show_envelope(&w->envelope);
		show_mail(w);
	}
	if (told(w, "commit"))
		commit(w, 1);
	if (told(w, "commitall"))
		commit(w, w->envelope.recipient_count);
	if (strstr(w->envelope.sender, "slow") != NULL)
		wait_for_cancel(w, told_number(w, "slow"));
	if (told(w, "hang"))
		wait_for_cancel(w, -1);
	if (told(w, "late"))
		commit(w, 1);
	if (told(w, "die"))
		return false;
	answer(w);
	if (told(w, "retire"))
		retire(w);
	return !told(w, "leaving") && !w->cancelled;
}

static bool receive_job(struct work *w)
{
	struct wire_reader r;
	int fds[FDPASS_MAX], count = FDPASS_MAX;
	ssize_t n = fdpass_receive(w->fd, w->probe->record, sizeof w->probe->record, fds, &count, 0);
	if (n <= 0)
		return false;
	if (!wire_open(&r, w->probe->record, (size_t)n) || r.kind != RECORD_JOB || job_read(&r, w->owner, &w->job) != 0)
		return false;
	if (w->job.kind == JOB_RCPT)
		return count == 0 && wire_open(&r, w->job.envelope, w->job.envelope_bytes) && envelope_read(&r, w->owner, &w->envelope) == 0;
	w->mail_fd = fds[0];
	if (w->job.envelope_bytes > 0)
		return count == 1 && wire_open(&r, w->job.envelope, w->job.envelope_bytes) && envelope_read(&r, w->owner, &w->envelope) == 0;
	struct stat st;
	if (count != 2 || fstat(fds[1], &st) != 0)
		return false;
	void *bytes = talloc_size(w->owner, (size_t)st.st_size);
	n = pread(fds[1], bytes, (size_t)st.st_size, 0);
	close(fds[1]);
	return n == st.st_size && wire_open(&r, bytes, (size_t)n) && envelope_read(&r, w->owner, &w->envelope) == 0;
}

static const char *answer_to(const struct work *w, const char *address)
{
	const char *code = g_str_has_prefix(address, "big") ? "552 5.3.4" : g_str_has_prefix(address, "later") ? "452 4.3.4"
		: g_str_has_prefix(address, "passed") ? "250 2.3.4" : NULL;
	return code == NULL ? "" : talloc_asprintf(w->owner, "%s Declared message size (%lld B) exceeds size limit for recipient <%s>", code,
		(long long)w->envelope.declared_size, address);
}

static bool answer_question(struct work *w)
{
	struct wire_writer writer = { 0 };
	const char *address = w->envelope.recipients[0].address;
	struct result r = { .recipient_count = 1, .reply = answer_to(w, address) };
	say("RCPT %s from <%s> to <%s> declared %lld client %s by %s %s", w->job.log_id, w->envelope.sender, address, (long long)w->envelope.declared_size,
		w->envelope.client.address != NULL ? w->envelope.client.address : "-", w->envelope.protocol,
		w->envelope.listener_text != NULL ? w->envelope.listener_text : w->envelope.socket_text);
	if (g_str_has_prefix(address, "hang"))
		wait_for_cancel(w, -1);
	if (g_str_has_prefix(address, "die"))
		return false;
	result_write(&writer, &r);
	send_record(w, &writer);
	return true;
}

static bool one_job(struct probe *p, uint32_t slot, int fd)
{
	struct work w = { .probe = p, .slot = slot, .fd = fd, .mail_fd = -1, .owner = talloc_new(NULL) };
	bool stays = receive_job(&w) && (w.job.kind == JOB_RCPT ? answer_question(&w) : work_on(&w));
	if (w.mail_fd >= 0)
		close(w.mail_fd);
	talloc_free(w.owner);
	return stays;
}

/* A worker that "dies" comes back with a new token; it ends when reception has gone. */
static void worker(struct probe *p, uint32_t slot, enum token_serves serves)
{
	for (;;) {
		struct wire_writer w = { 0 };
		struct token t = { .slot = slot, .pid = (uint32_t)getpid(), .serves = (uint8_t)serves };
		size_t n;
		int fds[2];
		if (fdpass_pair(fds) != 0)
			_exit(1);
		token_write(&w, &t);
		const void *bytes = wire_end(&w, &n);
		int failed = fdpass_send(p->token_fd[1], bytes, n, &fds[1], 1, 0);
		wire_free(&w);
		close(fds[1]);
		while (failed == 0 && one_job(p, slot, fds[0]))
			;
		close(fds[0]);
		if (failed != 0)
			_exit(0);
		usleep(20000);
	}
}

static void start_worker(struct probe *p, enum token_serves serves)
{
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(p->master_fd[0]);
		worker(p, p->worker_count, serves);
		_exit(0);
	}
	p->workers[p->worker_count++] = pid;
}

/* --- reception --- */

static int listen_tcp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&a, n) != 0 || listen(fd, 4096) != 0 || getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		exit(2);
	say("port %u", ntohs(a.sin_port));
	return fd;
}

static int listen_unix(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_strlcpy(a.sun_path, path, sizeof a.sun_path);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 64) != 0)
		exit(2);
	say("port 0");
	return fd;
}

static void start_reception(struct probe *p, struct settings_record *settings, const char *unix_path)
{
	struct reception_listener l = { .text = unix_path != NULL ? unix_path : "127.0.0.1:10024" };
	l.fd = unix_path != NULL ? listen_unix(unix_path) : listen_tcp();
	struct reception_settings s = {
		.settings = *settings, .listeners = &l, .listener_count = 1, .token_fd = p->token_fd[0], .master_fd = p->master_fd[1],
		.shared = p->shared, .ledger_fd = -1
	};
	p->reception = fork();
	if (p->reception == 0) {
		struct log_settings log = { .destination = LOG_TO_STDERR, .level = 3 };
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(p->master_fd[0]);
		close(p->token_fd[1]);
		log_configure(&log);
		int code = reception_run(&s);
		talloc_free(settings->pairs);
		exit(code);
	}
	close(l.fd);
	close(p->token_fd[0]);
	close(p->master_fd[1]);
}

static bool await_record(struct probe *p, enum record_kind kind)
{
	struct wire_reader r;
	ssize_t n = fdpass_receive(p->master_fd[0], p->record, sizeof p->record, NULL, NULL, 0);
	return n > 0 && wire_open(&r, p->record, (size_t)n) && r.kind == kind;
}

static void drain(struct probe *p)
{
	struct wire_writer w = { 0 };
	size_t n;
	text_record_write(&w, RECORD_DRAIN, NULL);
	const void *bytes = wire_end(&w, &n);
	fdpass_send(p->master_fd[0], bytes, n, NULL, 0, 0);
	wire_free(&w);
}

static void show_state(struct probe *p)
{
	unsigned poison = 0;
	for (unsigned i = 0; i < SHARED_POISON; i++)
		poison += ledger_word_value(ledger_slot_live(&p->shared->poison[i], clock_now_ms()));
	GString *text = g_string_new(NULL);
	g_string_printf(text, "state connections %u waiting %u bytes %llu pending %u noted %u poison %u", shared_connections(p->shared), shared_mails_waiting(p->shared),
		(unsigned long long)shared_work_area_bytes(p->shared),
		ledger_delivered_count(p->shared, DELIVERED_PENDING), ledger_delivered_count(p->shared, DELIVERED_NOTED), poison);
	for (unsigned c = 0; c < COUNT_OF_COUNTERS; c++)
		if (p->shared->counters[c] != 0)
			g_string_append_printf(text, "\ncount %s %llu", shared_counter_name(c), (unsigned long long)p->shared->counters[c]);
	say("%s", text->str);
	g_string_free(text, TRUE);
}

static void finish(struct probe *p, bool by_record)
{
	int status = 0;
	if (by_record && !await_record(p, RECORD_IDLE))
		say("no IDLE");
	waitpid(p->reception, &status, 0);
	for (unsigned i = 0; i < p->worker_count; i++) {
		kill(p->workers[i], SIGKILL);
		waitpid(p->workers[i], NULL, 0);
	}
	say("exit %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	show_state(p);
}

static bool obey(struct probe *p, const char *command)
{
	if (g_str_has_prefix(command, "worker"))
		start_worker(p, TOKEN_MAILS);
	else if (g_str_has_prefix(command, "state"))
		show_state(p);
	else if (g_str_has_prefix(command, "drain"))
		drain(p);
	else if (g_str_has_prefix(command, "kill-master"))
		close(p->master_fd[0]);
	else
		return false;
	return true;
}

static void take_arguments(int argc, char **argv, struct settings_record *s, unsigned *workers, unsigned *questions, const char **unix_path)
{
	s->pairs = talloc_zero_array(NULL, struct setting_pair, (unsigned)argc);
	for (int i = 1; i < argc; i++) {
		char *equals = strchr(argv[i], '=');
		if (equals == NULL)
			exit(64);
		*equals = '\0';
		if (strcmp(argv[i], "workers") == 0)
			*workers = (unsigned)atoi(equals + 1);
		else if (strcmp(argv[i], "questions") == 0)
			*questions = (unsigned)atoi(equals + 1);
		else if (strcmp(argv[i], "unix") == 0)
			*unix_path = equals + 1;
		else
			s->pairs[s->count++] = (struct setting_pair){ argv[i], equals + 1 };
	}
}

int main(int argc, char **argv)
{
	static struct probe p;
	struct settings_record settings = { 0 };
	unsigned workers = 1, questions = 0;
	const char *unix_path = NULL;
	char line[100];
	int memory_fd;
	bool by_record = true;
	take_arguments(argc, argv, &settings, &workers, &questions, &unix_path);
	p.shared = shared_create(&memory_fd);
	if (p.shared == NULL || fdpass_pair(p.token_fd) != 0 || fdpass_pair(p.master_fd) != 0)
		return 2;
	atomic_store(&p.shared->session_counter, 10000);
	start_reception(&p, &settings, unix_path);
	talloc_free(settings.pairs);
	if (!await_record(&p, RECORD_READY))
		say("not ready");
	for (unsigned i = 0; i < workers && i < WORKERS_MAX; i++)
		start_worker(&p, TOKEN_MAILS);
	for (unsigned i = 0; i < questions; i++)
		start_worker(&p, TOKEN_QUESTIONS);
	say("ready %d", (int)p.reception);
	while (fgets(line, sizeof line, stdin) != NULL && obey(&p, line))
		by_record = by_record && strncmp(line, "kill-master", 11) != 0;
	if (by_record)
		drain(&p);
	finish(&p, by_record);
	return 0;
}

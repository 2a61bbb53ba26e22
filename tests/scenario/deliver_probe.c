/* deliver_probe.c - hand mails to next hops as a script on standard input says; for test_deliver.py.
 *
 * One "key value" per line; "go" delivers with what was said since the last
 * "go" and prints lines of tab-separated fields:
 *   committed  <indices>  <reply>
 *   result  <index>  <code>  <queued_as or ->  <next hop or ->  <reply>
 *   done  <milliseconds>
 * "idle" is what a worker does between mails.  The pool lives as long as the program. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#include <glib.h>

#include "deliver/deliver.h"

#define METHODS_MAX 16
#define LINE_SIZE 70000

struct probe {
	struct deliver_pool *pool;
	void *memory;			/* of one order */
	struct envelope envelope;
	struct mail mail;
	struct deliver_settings settings;
	struct deliver_order order;
	struct edit_list *edits;
	const char *methods[METHODS_MAX + 1];
	unsigned method_count;
	int deadline_ms;
};

static void start(struct probe *p)
{
	void *memory = talloc_new(p->pool);
	struct deliver_pool *pool = p->pool;

	*p = (struct probe){ .pool = pool, .memory = memory, .deadline_ms = 20000 };
	p->envelope = (struct envelope){ .log_id = "probe-01", .sender = "sender@example.org", .protocol = "ESMTP",
		.socket_text = "127.0.0.1:10024", .peer_address = "127.0.0.1", .helo = "peer.example" };
	p->settings = (struct deliver_settings){ .localhost_name = "probe.example", .connection_cache = true,
		.xforward = true, .propagate_dsn = true };
	p->mail = (struct mail){ .magic = MAIL_MAGIC, .envelope = &p->envelope, .fd = -1, .deadline = deadline_none() };
	p->edits = edit_list_new(memory);
}

static void open_mail(struct probe *p, const char *path)
{
	struct stat st;

	p->mail.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (p->mail.fd < 0 || fstat(p->mail.fd, &st) < 0 || header_read(p->mail.fd, (uint64_t)st.st_size, p->memory, &p->mail.header) < 0) {
		perror(path);
		exit(1);
	}
	p->mail.size_bytes = (uint64_t)st.st_size;
}

/* "address [notify [orcpt]]" */
static void add_recipient(struct probe *p, const char *value)
{
	char **words = g_strsplit(value, " ", 3);
	struct envelope_recipient *r = talloc_zero(p->memory, struct envelope_recipient);
	struct mail *m = &p->mail;

	r->address = talloc_strdup(r, words[0]);
	if (words[0] && words[1]) {
		r->notify = (uint8_t)atoi(words[1]);
		r->orcpt = words[2] ? talloc_strdup(r, words[2]) : NULL;
	}
	g_strfreev(words);
	m->recipients = talloc_realloc(p->memory, m->recipients, struct recipient, m->recipient_count + 1);
	m->recipients[m->recipient_count] = (struct recipient){ .index = m->recipient_count, .envelope = r };
	m->recipient_count++;
}

static void add_field(struct probe *p, const char *value)
{
	const char *colon = strchr(value, ':');
	char *name = talloc_strndup(p->memory, value, (size_t)(colon - value));

	edit_prepend(p->edits, name, colon + 1 + strspn(colon + 1, " "));
}

static bool set_text(struct probe *p, const char *key, const char *value)
{
	const struct { const char *key; const char **at; } table[] = {
		{ "sender", &p->envelope.sender }, { "ret", &p->envelope.ret }, { "envid", &p->envelope.envid },
		{ "auth", &p->envelope.auth }, { "socket", &p->envelope.socket_text }, { "peer", &p->envelope.peer_address },
		{ "helo", &p->envelope.helo }, { "protocol", &p->envelope.protocol },
		{ "client.address", &p->envelope.client.address }, { "client.port", &p->envelope.client.port },
		{ "client.name", &p->envelope.client.name }, { "client.helo", &p->envelope.client.helo },
		{ "client.protocol", &p->envelope.client.protocol }, { "client.source", &p->envelope.client.source },
		{ "client.ident", &p->envelope.client.ident }, { "bind", &p->settings.local_client_bind_address },
		{ "localhost_name", &p->settings.localhost_name },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		if (strcmp(table[i].key, key) != 0)
			continue;
		*table[i].at = strcmp(value, "-") == 0 ? NULL : talloc_strdup(p->memory, value);
		return true;
	}
	return false;
}

static bool set_number(struct probe *p, const char *key, int value)
{
	if (strcmp(key, "body") == 0)
		p->envelope.body_8bitmime = (uint8_t)value;
	else if (strcmp(key, "smtputf8") == 0)
		p->envelope.smtputf8 = (uint8_t)value;
	else if (strcmp(key, "cache") == 0)
		p->settings.connection_cache = value != 0;
	else if (strcmp(key, "xforward") == 0)
		p->settings.xforward = value != 0;
	else if (strcmp(key, "dsn") == 0)
		p->settings.propagate_dsn = value != 0;
	else if (strcmp(key, "retry_ms") == 0)
		p->settings.next_hop_retry_ms = value;
	else if (strcmp(key, "deadline_ms") == 0)
		p->deadline_ms = value;
	else if (strcmp(key, "cancel_fd") == 0)
		p->mail.deadline.cancel_fd = value;
	else
		return false;
	return true;
}

static void take_line(struct probe *p, const char *key, const char *value)
{
	if (strcmp(key, "mail") == 0)
		open_mail(p, value);
	else if (strcmp(key, "rcpt") == 0)
		add_recipient(p, value);
	else if (strcmp(key, "method") == 0 && p->method_count < METHODS_MAX)
		p->methods[p->method_count++] = talloc_strdup(p->memory, value);
	else if (strcmp(key, "prepend") == 0)
		add_field(p, value);
	else if (strcmp(key, "remove") == 0)
		edit_remove(p->edits, value);
	else if (!set_text(p, key, value) && !set_number(p, key, atoi(value))) {
		fprintf(stderr, "unknown key %s\n", key);
		exit(1);
	}
}

static void print_committed(void *context, const unsigned *recipients, unsigned count, const char *reply)
{
	(void)context;
	printf("committed\t");
	for (unsigned i = 0; i < count; i++)
		printf("%s%u", i ? "," : "", recipients[i]);
	printf("\t%s\n", reply);
	fflush(stdout);
}

static void print_result(const struct deliver_result *r)
{
	printf("result\t%u\t%d\t%s\t%s\t%s\n", r->recipient, r->code, r->queued_as ? r->queued_as : "-",
		r->next_hop ? r->next_hop : "-", r->reply);
}

static void go(struct probe *p)
{
	struct mail *m = &p->mail;
	unsigned *indices = talloc_array(p->memory, unsigned, m->recipient_count);
	struct deliver_result *results = talloc_array(p->memory, struct deliver_result, m->recipient_count);
	int cancel_fd = m->deadline.cancel_fd;
	int64_t began_ms = clock_now_ms();

	for (unsigned i = 0; i < m->recipient_count; i++)
		indices[i] = i;
	m->deadline = deadline_in(p->deadline_ms);
	m->deadline.cancel_fd = cancel_fd;
	p->order = (struct deliver_order){ .mail = m, .methods = p->methods, .recipients = indices,
		.recipient_count = m->recipient_count, .edits = p->edits, .settings = &p->settings, .committed = print_committed };
	deliver_mail(p->pool, &p->order, p->memory, results);
	for (unsigned i = 0; i < m->recipient_count; i++)
		print_result(&results[i]);
	printf("done\t%d\n", (int)(clock_now_ms() - began_ms));
	fflush(stdout);
	close(m->fd);
	talloc_free(p->memory);
}

int main(void)
{
	struct shared *shared = talloc_zero(NULL, struct shared);
	struct probe p = { .pool = deliver_pool_new(shared, shared) };
	static char line[LINE_SIZE];

	start(&p);
	while (fgets(line, sizeof line, stdin)) {
		char *value = line + strcspn(line, " \n");

		if (*value == ' ')
			*value++ = '\0';
		value[strcspn(value, "\n")] = '\0';
		if (strcmp(line, "go") == 0) {
			go(&p);
			start(&p);
		} else if (strcmp(line, "idle") == 0) {
			deliver_pool_idle(p.pool);
		} else {
			take_line(&p, line, value);
		}
	}
	talloc_free(shared);
	return 0;
}

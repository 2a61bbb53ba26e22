/* explain_request.c - `posternctl explain`: from its words to a job without a mail, whose answer goes to posternctl's connection. */
#include "config.h"
#include "reception/scan_request.h"

#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include "base/deadline.h"
#include "mail/address.h"
#include "reception/queue.h"
#include "reception/state.h"

#define TIMEOUT_MS 30000
#define RECIPIENTS_MAX 16

static const char *port_of(const char *text)
{
	const char *colon = *text != '/' ? strrchr(text, ':') : NULL;
	return colon != NULL ? colon + 1 : "";
}

/* Is the listener at every address, that one too? */
static bool is_at_every_address(const char *text, const char *said)
{
	bool six = g_str_has_prefix(text, "[::]:"), four = g_str_has_prefix(text, "0.0.0.0:") || g_str_has_prefix(text, "*:");
	return (*said == '[' ? six : four) && strcmp(port_of(text), port_of(said)) == 0;
}

/* The listener that is meant: by its text or its port; none said: the first. What is none of them is asked as it stands, as coming in
 * by the listener that is at every address of its port. */
static void find_interface(const struct reception *r, const char *said, struct envelope *e)
{
	const struct reception_settings *given = r->given;
	e->socket_text = said != NULL ? said : given->listener_count > 0 ? given->listeners[0].text : "";
	for (unsigned i = 0; said != NULL && i < given->listener_count; i++) {
		const char *text = given->listeners[i].text;
		if (strcmp(text, said) == 0 || strcmp(port_of(text), said) == 0) {
			e->socket_text = text;
			e->listener_text = NULL;
			return;
		}
		if (is_at_every_address(text, said))
			e->listener_text = text;
	}
}

static const char *address_of(struct mail_job *job, const char *word)
{
	const char *why = NULL, *end = NULL;
	if (*word == '\0')
		return "";
	char *address = address_parse_path(job, word, true, &end, &why);
	return address != NULL && *end == '\0' ? address : NULL;
}

/* "192.0.2.1", "2001:db8::1", "[::1]", "IPv6:::1" as MTAs write them. */
static const char *client_of(struct mail_job *job, const char *word)
{
	bool bracketed = *word == '[' && g_str_has_suffix(word, "]");
	char *address = talloc_strndup(job, word + bracketed, strlen(word) - 2 * bracketed);
	char *bare = g_ascii_strncasecmp(address, "IPv6:", 5) == 0 ? address + 5 : address;
	return g_hostname_is_ip_address(bare) ? talloc_strdup(job, bare) : NULL;
}

/* One line "from=a@b"; what is wrong with it, or NULL. */
static const char *take_word(struct mail_job *job, char *line, const char **interface)
{
	struct envelope *e = &job->envelope;
	char *value = strchr(line, '=');
	if (value == NULL)
		return strcmp(line, "json") == 0 ? (e->protocol = "explain json", NULL) : "unknown word";
	*value++ = '\0';
	if (strcmp(line, "from") == 0)
		return (e->sender = address_of(job, value)) != NULL ? NULL : "--from is no address";
	if (strcmp(line, "to") == 0) {
		struct envelope_recipient to = { .address = address_of(job, value) };
		if (to.address == NULL || *to.address == '\0' || e->recipient_count >= RECIPIENTS_MAX)
			return to.address == NULL || *to.address == '\0' ? "--to is no address" : "too many recipients";
		job_add_recipient(job, to);
		return NULL;
	}
	if (strcmp(line, "client") == 0)
		return (e->client.address = client_of(job, value)) != NULL ? NULL : "--client is no IP address";
	if (strcmp(line, "interface") == 0)
		*interface = talloc_strdup(job, value);
	else
		return "unknown word";
	return NULL;
}

static const char *fill_envelope(struct reception *r, struct mail_job *job, const char *command)
{
	char **lines = g_strsplit(command, "\n", -1);
	const char *why = NULL, *interface = NULL;
	struct envelope *e = &job->envelope;
	e->protocol = "explain";
	e->helo = "";
	e->received_wall_us = clock_wall_us();
	for (char **line = lines + 1; lines[0] != NULL && *line != NULL && why == NULL; line++)
		why = take_word(job, *line, &interface);
	find_interface(r, interface, e);
	if (why == NULL && (e->sender == NULL || e->recipient_count == 0))
		why = "expected --from and --to";
	g_strfreev(lines);
	return why;
}

void explain_request_begin(struct reception *r, const char *command, int connection_fd)
{
	char log_id[32];
	snprintf(log_id, sizeof log_id, "%05llu-01", (unsigned long long)atomic_fetch_add(&r->given->shared->session_counter, 1));
	struct mail_job *job = job_new(r, NULL, log_id);
	job->kind = JOB_EXPLAIN;
	job->answer_fd = connection_fd;
	job->timeout_ms = TIMEOUT_MS;
	const char *why = fill_envelope(r, job, command);
	if (why == NULL && job_seal_envelope(job) == 0 && queue_submit(r->queue, job))
		return;
	char *text = talloc_asprintf(job, "64\nexplain: %s\n", why != NULL ? why : "the queue is full, try again");
	request_answer(connection_fd, text);
	job_free(job);
}

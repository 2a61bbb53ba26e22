/* scan_file.c - a file for `posternctl scan`: opened and scanned like a mail, judged by nobody's policy, delivered nowhere.
 * What posternctl prints is written to its file; the answer itself is its exit code: 0 clean, 1 infected, 2 not completed.  Only a whole
 * check is "clean". */
#include "worker/scan_file.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <talloc.h>

#include "base/io.h"
#include "base/text.h"
#include "worker/check.h"
#include "worker/findings.h"
#include "worker/judge.h"
#include "worker/part_tree.h"

#define TOLD_MAX 200	/* findings that are listed */

enum verdict { CLEAN = 0, INFECTED = 1, NOT_COMPLETED = 2 };

struct scanned {
	const struct mail *mail;
	const struct logline_finding *findings;
	enum verdict verdict;
	const char *why;	/* not completed */
	bool tree;		/* all parts are told */
	GString *out;
};

static const char *verdict_name(enum verdict v)
{
	return v == CLEAN ? "clean" : v == INFECTED ? "infected" : "not completed";
}

static const char *why_not(const struct mail *m, const struct judge_facts *f)
{
	if (f->opener_failed || f->virus_unanswered || f->virus_tempfail || f->virus_unchecked)
		return f->failure ? f->failure : "not everything was scanned";
	if (m->over_limits)
		return talloc_asprintf((void *)(uintptr_t)m, "its contents are over a limit: %s", m->hold ? m->hold : "no reason given");
	if (m->crypted)
		return "its contents are encrypted";
	if (m->unopened)
		return "not all of its contents could be opened";
	return m->ambiguous ? "readers may see other contents than were scanned" : NULL;
}

static const char *outcome_name(const struct mail *m, const struct scan_report *r)
{
	for (unsigned i = 0; i < m->finding_count; i++) {
		if (strcmp(m->findings[i].scanner, r->scanner) == 0)
			return "infected";
	}
	return r->outcome == SCAN_COMPLETED ? "clean" : r->outcome == SCAN_FAILED ? "failed" : "inconclusive";
}

/* --- for people --- */

static void text_finding(GString *out, const struct logline_finding *f)
{
	g_string_append_printf(out, "  %s, found by %s in part ", f->name, f->scanner);
	for (size_t k = 0; f->parts[k]; k++)
		g_string_append_printf(out, "%s%s", k ? ", " : "", f->parts[k]);
	if (f->spam_only)
		g_string_append(out, ", a sign of spam only");
	g_string_append_printf(out, " (%s)\n", f->version ? f->version : "version unknown");
}

static void text_report(const struct scanned *s, const struct scan_report *r)
{
	g_string_append_printf(s->out, "%s: %s in %.1f ms%s%s%s\n", r->scanner, outcome_name(s->mail, r), (double)r->elapsed_us / 1000.0,
		r->backup ? " (backup)" : "", r->error ? ": " : "", r->error ? r->error : "");
	g_string_append_printf(s->out, "  way: %s\n  version: %s\n", r->way ? r->way : "in the opener", r->version ? r->version : "unknown");
}

static void write_text(const struct scanned *s)
{
	g_string_append_printf(s->out, "%s%s%s\n", verdict_name(s->verdict), s->why ? ": " : "", s->why ? s->why : "");
	for (size_t i = 0; s->findings[i].name && i < TOLD_MAX; i++)
		text_finding(s->out, &s->findings[i]);
	for (unsigned i = 0; i < s->mail->report_count; i++)
		text_report(s, &s->mail->reports[i]);
	g_string_append_printf(s->out, "%u parts, %lld ms\n", s->mail->part_count, (long long)(clock_now_ms() - s->mail->started_ms));
	if (s->tree)
		part_tree_text(s->out, s->mail);
}

/* --- for programs --- */

static void json_pair(GString *out, const char *key, const char *text)
{
	if (!text)
		return;
	g_string_append_printf(out, ",\"%s\":", key);
	text_append_json(out, text, strlen(text));
}

static void json_finding(GString *out, const struct logline_finding *f)
{
	g_string_append(out, "{\"name\":");
	text_append_json(out, f->name, strlen(f->name));
	json_pair(out, "scanner", f->scanner);
	json_pair(out, "version", f->version);
	json_pair(out, "database", f->database);
	g_string_append(out, ",\"parts\":[");
	for (size_t k = 0; f->parts[k]; k++) {
		g_string_append(out, k ? "," : "");
		text_append_json(out, f->parts[k], strlen(f->parts[k]));
	}
	g_string_append_printf(out, "],\"spam_only\":%s}", f->spam_only ? "true" : "false");
}

static void json_report(const struct scanned *s, const struct scan_report *r)
{
	g_string_append(s->out, "{\"name\":");
	text_append_json(s->out, r->scanner, strlen(r->scanner));
	json_pair(s->out, "outcome", outcome_name(s->mail, r));
	json_pair(s->out, "error", r->error);
	json_pair(s->out, "way", r->way ? r->way : "in the opener");
	json_pair(s->out, "version", r->version);
	g_string_append_printf(s->out, ",\"backup\":%s,\"elapsed_us\":%u}", r->backup ? "true" : "false", r->elapsed_us);
}

static void write_json(const struct scanned *s)
{
	g_string_append_printf(s->out, "{\"verdict\":\"%s\"", verdict_name(s->verdict));
	json_pair(s->out, "reason", s->why);
	g_string_append(s->out, ",\"findings\":[");
	for (size_t i = 0; s->findings[i].name && i < TOLD_MAX; i++) {
		g_string_append(s->out, i ? "," : "");
		json_finding(s->out, &s->findings[i]);
	}
	g_string_append(s->out, "],\"scanners\":[");
	for (unsigned i = 0; i < s->mail->report_count; i++) {
		g_string_append(s->out, i ? "," : "");
		json_report(s, &s->mail->reports[i]);
	}
	g_string_append_printf(s->out, "],\"parts\":%u,\"elapsed_ms\":%lld", s->mail->part_count, (long long)(clock_now_ms() - s->mail->started_ms));
	json_pair(s->out, "hold", s->mail->hold);
	if (s->tree)
		part_tree_json(s->out, s->mail);
	g_string_append(s->out, "}\n");
}

/* --- the scan --- */

/* Any file may be given: what has none of these fields is opened as what it is, and not for what a mail may hold. */
static bool looks_like_a_mail(const struct header *h)
{
	static const char *const fields[] = { "from", "received", "return-path", "date", "message-id", "subject", "to", "mime-version", "content-type" };
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		if (header_find(h, fields[i]))
			return true;
	return false;
}

/* Nobody's settings: everything is asked, nothing is spared. */
static void add_nobody(struct mail *m)
{
	m->recipients = talloc_zero_array(m, struct recipient, 1);
	m->recipients[0] = (struct recipient){ .policy = talloc_zero(m, struct rcpt_policy), .address = "", .destiny = D_UNSET };
	m->recipient_count = 1;
	m->mail_as_part = true;		/* it is scanned as it stands, too */
	m->bare_file = !looks_like_a_mail(&m->header);
}

/* "<exit code>\n"; a short answer also goes along with it where it cannot be written. */
static char *hand_over(const struct scanned *s, struct mail *m, int output_fd)
{
	if (io_write_all(output_fd, s->out->str, s->out->len, m->deadline) == 0)
		return talloc_asprintf(m, "%d\n", (int)s->verdict);
	return talloc_asprintf(m, "%d\n%s: the answer cannot be written: %s\n", NOT_COMPLETED, verdict_name(s->verdict), g_strerror(errno));
}

char *scan_file_run(struct worker *w, struct mail *m, int output_fd)
{
	struct open_result opened = { 0 };
	struct judge_facts facts = { 0 };
	struct error e = { 0 };
	struct policy policy = w->base;
	add_nobody(m);
	worker_stage(w, STAGE_OPEN);
	int rc = check_open(w, m, &policy, &opened, &facts, &e);
	m->mail_as_part = true;
	worker_stage(w, STAGE_CHECK);
	if (rc == 0)
		rc = check_scan(w, m, &policy, &opened, &facts, &e);
	open_done(w->opener);
	struct scanned s = { .mail = m, .findings = findings_told(m, m), .out = g_string_new(NULL) };
	s.why = rc != 0 ? "cancelled" : why_not(m, &facts);
	s.verdict = m->finding_count > 0 ? INFECTED : s.why || !m->virus_checked ? NOT_COMPLETED : CLEAN;
	if (s.verdict == INFECTED)
		s.why = NULL;
	s.tree = strstr(m->envelope->protocol, " tree") != NULL;
	if (strstr(m->envelope->protocol, " json"))
		write_json(&s);
	else
		write_text(&s);
	char *text = hand_over(&s, m, output_fd);
	g_string_free(s.out, TRUE);
	open_wait_emptied(w->opener, deadline_in(1000));
	return text;
}

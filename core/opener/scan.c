/* scan.c - see scan.h. Scanners run one after another, under the mail's deadline. */
#include "config.h"

#include "opener/scan.h"

#include <string.h>
#include <talloc.h>

#include "plugin/call.h"

static struct plugin_view *make_view(const struct scan_job *job)
{
	static const struct envelope nobody = { .sender = "" };
	struct mail *mail = talloc_zero(job->owner, struct mail);
	mail->magic = MAIL_MAGIC;
	mail->log_id = job->order->log_id;
	mail->fd = job->mail_fd;
	mail->size_bytes = job->order->size_bytes;
	mail->envelope = &nobody;
	mail->part_count = job->tree->count;
	mail->parts = job->tree->parts;
	struct plugin_view *v = plugin_view_new(job->owner, mail, job->dir_fd, job->folder);
	bool any = false;
	for (unsigned i = 0; i < job->tree->count; i++) {
		const struct part *p = &job->tree->parts[i];
		if (!p->has_file || p->attributes & PART_SPARED)
			continue;
		plugin_view_add_part(v, p, -1);
		any = true;
	}
	static const struct part whole = { .mime_type = "message/rfc822", .type_short = "mail", .placement = "0" };
	/* A mail without any content still has a header: a scanner is never asked about nothing. */
	if (job->opened->mail_kept || !any)
		plugin_view_add_part(v, &whole, job->mail_fd);
	return v;
}

static struct plugin_instance *find_scanner(const struct opener_settings *s, uint32_t number)
{
	struct plugin_instance *i = number < s->instance_count ? s->instances[number] : NULL;
	return i && i->plugin->roles & POSTERN_SCANNER && i->plugin->capabilities & POSTERN_CAP_HOSTILE_PARSER ? i : NULL;
}

static int report_outcome(uint32_t number, const struct plugin_outcome *o, void *owner, scan_report_fn report, void *context)
{
	struct finding_record f = {
		.scanner = number, .outcome = (uint8_t)o->result, .elapsed_us = o->elapsed_us, .version = o->version,
		.error = o->result == POSTERN_OK ? NULL : o->error, .name_count = o->found_count,
	};
	f.names = talloc_array(owner, const char *, o->found_count);
	f.parts = talloc_array(owner, uint32_t, o->found_count);
	for (unsigned i = 0; i < o->found_count; i++) {
		f.names[i] = o->found[i].name;
		f.parts[i] = o->found[i].part;
	}
	if (o->found_count > 0)
		f.part = f.parts[0];
	return report(context, &f);
}

bool scan_run(const struct scan_job *job, scan_report_fn report, void *context)
{
	bool trusted = true, decided = false;
	struct plugin_view *view = make_view(job);
	struct deadline d = { .at_ms = job->order->deadline_ms, .cancel_fd = -1 };
	for (uint32_t i = 0; i < job->order->scanner_count; i++) {
		struct plugin_outcome o = { .result = POSTERN_TEMPFAIL, .error = "this opener has no such scanner" };
		struct plugin_instance *scanner = find_scanner(job->settings, job->order->scanners[i]);
		if (decided)
			o = (struct plugin_outcome){ .result = POSTERN_NOTHING };
		else if (scanner)
			plugin_scan(scanner, view, d, job->order->first_infected_stops, job->owner, &o);
		trusted &= o.result == POSTERN_OK || o.result == POSTERN_NOTHING;
		if (report_outcome(job->order->scanners[i], &o, job->owner, report, context) != 0)
			return false;
		decided |= o.found_count > 0 && job->order->first_infected_stops;
	}
	return trusted;
}

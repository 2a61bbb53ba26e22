/* open.c - stage 2: gives the mail to the opener and takes down what it says it found.
 * Every answer is checked; a bad record costs that opener its life and the mail its opening. */
#include "worker/open.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <talloc.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/io.h"
#include "base/log.h"
#include "config/config.h"
#include "worker/program.h"

#define LEVEL_MAX 200
#define SAID_BYTES_MAX (64u * 1024 * 1024)
#define FINDINGS_MAX 10000
#define REST_MAX_MS 30000
#define ANSWER_MS 1000			/* before the end of its time that an opener's program ends */

struct opener_link {
	const struct worker_setup *setup;
	int fd, dir_fd;
	int64_t sent_ms, fair_ms;	/* when it got the mail; time that an innocent mail would not need */
	bool keeps_parts;		/* they are there until DONE */
	bool greeted, busy;		/* HELLO came; OPEN sent and EMPTIED not yet seen */
	uint32_t pid;
	char folder[4096];
	char *buffer;
};

struct opener_link *opener_link_new(void *owner, const struct worker_setup *setup)
{
	struct opener_link *l = talloc_zero(owner, struct opener_link);
	l->setup = setup;
	l->fd = l->dir_fd = -1;
	l->buffer = talloc_size(l, FDPASS_RECORD_MAX);
	return l;
}

int opener_link_fd(const struct opener_link *l) { return l->fd; }
int opener_link_dir_fd(const struct opener_link *l) { return l->dir_fd; }
const char *opener_link_folder(const struct opener_link *l) { return l->folder; }

static struct shared_worker *slot_of(struct opener_link *l)
{
	return &l->setup->shared->workers[l->setup->slot];
}

void opener_link_drop(struct opener_link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	if (l->dir_fd >= 0)
		close(l->dir_fd);
	l->fd = l->dir_fd = -1;
	l->greeted = l->busy = false;
	atomic_store(&slot_of(l)->opener_pid, 0);
}

void opener_link_ensure(struct opener_link *l)
{
	int pair[2];
	struct wire_writer w = { 0 };
	size_t n;
	if (l->fd >= 0 || fdpass_pair(pair) != 0)
		return;
	wire_begin(&w, RECORD_OPENER_WANTED);
	const void *data = wire_end(&w, &n);
	if (fdpass_send(l->setup->openers_fd, data, n, &pair[1], 1, 0) == 0)
		l->fd = pair[0];
	else
		close(pair[0]);
	close(pair[1]);
	wire_free(&w);
}

/* The opener's share of the mail's time: whoever acts on its silence (a backup scanner, a delivery as unchecked) needs the rest. */
static struct deadline share_of(const struct mail *m)
{
	struct deadline d = m->deadline;
	int64_t whole_ms = d.at_ms - m->started_ms, rest_ms = whole_ms / 4 < REST_MAX_MS ? whole_ms / 4 : REST_MAX_MS;
	if (d.at_ms > 0 && rest_ms > 0)
		d.at_ms -= rest_ms;
	return d;
}

/* amavisd-new's quota: max(MIN_QUOTA, size x MIN_FACTOR, min(MAX_QUOTA, size x MAX_FACTOR)). */
static uint64_t quota_of(const struct policy *p, uint64_t size)
{
	uint64_t min_quota = (uint64_t)policy_int(p, SET_MIN_EXPANSION_QUOTA, 0), max_quota = (uint64_t)policy_int(p, SET_MAX_EXPANSION_QUOTA, 0);
	uint64_t low = size * (uint64_t)policy_int(p, SET_MIN_EXPANSION_FACTOR, 5);
	uint64_t high = size * (uint64_t)policy_int(p, SET_MAX_EXPANSION_FACTOR, 500);
	uint64_t quota = max_quota > 0 && max_quota < high ? max_quota : high;
	quota = low > quota ? low : quota;
	return min_quota > quota ? min_quota : quota;
}

/* --- records --- */

/* Wait for one record. Its length, 0 at end of file, -1 with e set. */
static ssize_t receive(struct opener_link *l, struct deadline d, int *fds, int *fd_count, struct error *e)
{
	for (;;) {
		if (io_wait(l->fd, POLLIN, d) != 0)
			return error_set(e, errno == ECANCELED ? ERROR_CANCELLED : ERROR_DEADLINE, "opener: %s",
				errno == ECANCELED ? "the client has gone" : "no answer within the mail's time");
		ssize_t n = fdpass_receive(l->fd, l->buffer, FDPASS_RECORD_MAX, fds, fd_count, MSG_DONTWAIT);
		if (n >= 0)
			return n;
		if (errno != EAGAIN && errno != EINTR)
			return errno == ECONNRESET ? 0 : error_set(e, ERROR_INPUT, "opener: bad record");
	}
}

static int take_hello(struct opener_link *l, ssize_t n, int dir_fd, struct error *e)
{
	struct wire_reader r;
	struct hello h = { 0 };
	void *tmp = talloc_new(NULL);
	int rc = -1;
	if (n > 0 && dir_fd >= 0 && wire_open(&r, l->buffer, (size_t)n) && r.kind == RECORD_HELLO && hello_read(&r, tmp, &h) == 0
	    && h.scratch && !strchr(h.scratch, '/')) {
		struct shared *s = l->setup->shared;
		l->greeted = true;
		l->dir_fd = dir_fd;
		l->pid = h.pid;
		snprintf(l->folder, sizeof l->folder, "%s/%s", l->setup->temp_base, h.scratch);
		atomic_store(&slot_of(l)->opener_pid, h.pid);
		atomic_store(&s->jail_seccomp, h.seccomp);
		atomic_store(&s->jail_landlock_abi, h.landlock_abi);
		atomic_store(&s->jail_memory_limit_bytes, h.memory_limit_bytes);
		rc = 0;
	}
	talloc_free(tmp);
	return rc == 0 ? 0 : error_set(e, ERROR_ENVIRONMENT, "opener: no proper greeting");
}

static int await_hello(struct opener_link *l, struct deadline d, struct error *e)
{
	int fds[FDPASS_MAX], count = FDPASS_MAX;
	if (l->greeted)
		return 0;
	ssize_t n = receive(l, d, fds, &count, e);
	if (n < 0)
		return -1;
	if (n == 0)
		return error_set(e, ERROR_ENVIRONMENT, "opener: it could not be started");
	if (take_hello(l, n, count == 1 ? fds[0] : -1, e) == 0)
		return 0;
	fdpass_close_all(fds, count);
	return -1;
}

bool opener_link_greeted(const struct opener_link *l) { return l->greeted; }

void opener_link_greet(struct opener_link *l)
{
	struct error e = { 0 };
	if (l->fd >= 0 && !l->greeted && await_hello(l, deadline_in(1000), &e) != 0)
		opener_link_drop(l);
}

/* --- what it says --- */

struct collecting {
	struct opener_link *link;
	const struct open_request *request;
	struct mail *mail;
	struct open_result *out;
	struct opened opened;
	unsigned part_room;
	size_t said_bytes;		/* of all records about this mail */
	bool parts_done;
};

static const char *placement_of(struct mail *m, const struct part *p)
{
	if (p->parent == 0)
		return talloc_asprintf(m, "%u", p->index_in_parent);
	return talloc_asprintf(m, "%s/%u", m->parts[p->parent - 1].placement, p->index_in_parent);
}

static int take_part(struct collecting *c, struct wire_reader *r)
{
	struct mail *m = c->mail;
	struct part_record p = { 0 };
	if (part_record_read(r, m, &p) != 0 || p.number != m->part_count + 1 || p.parent >= p.number || m->part_count >= WIRE_PARTS_MAX)
		return -1;
	if (m->part_count == c->part_room) {
		c->part_room = c->part_room ? c->part_room * 2 : 8;
		m->parts = talloc_realloc(m, m->parts, struct part, c->part_room);
	}
	struct part *part = &m->parts[m->part_count++];
	*part = (struct part){
		.number = p.number, .parent = p.parent, .index_in_parent = p.index_in_parent,
		.level = p.parent ? m->parts[p.parent - 1].level + 1 : 1,
		.has_file = p.has_file, .attributes = p.attributes, .size_bytes = p.size_bytes,
		.mime_type = p.mime_type_count > 0 ? p.mime_types[0] : NULL, .mime_type_count = p.mime_type_count, .mime_types = p.mime_types,
		.digest = p.digest, .decoder = p.decoder, .note = p.note, .type_short = p.type_short, .type_full = p.type_full,
		.name_count = p.name_count, .names = p.names,
	};
	if (part->level > LEVEL_MAX)
		return -1;
	part->placement = placement_of(m, part);
	return 0;
}

static int take_finding(struct collecting *c, struct wire_reader *r)
{
	struct finding_record f = { 0 };
	const struct worker_setup *setup = c->link->setup;
	if (finding_record_read(r, c->mail, &f) != 0 || f.scanner >= setup->instance_count || !setup->instances[f.scanner]
	    || c->out->finding_count >= FINDINGS_MAX || f.outcome > POSTERN_BROKEN)
		return -1;
	struct plugin_outcome o = {
		.result = (enum postern_result)f.outcome, .error = f.error, .version = f.version,
		.elapsed_us = f.elapsed_us, .found_count = f.name_count,
	};
	o.found = talloc_zero_array(c->mail, struct plugin_found, f.name_count + 1);
	for (uint32_t i = 0; i < f.name_count; i++) {
		if (!f.names[i] || f.parts[i] > c->mail->part_count)
			return -1;
		o.found[i] = (struct plugin_found){ .name = f.names[i], .part = f.parts[i] };
	}
	c->out->findings = talloc_realloc(c->mail, c->out->findings, struct opener_finding, c->out->finding_count + 1);
	c->out->findings[c->out->finding_count++] = (struct opener_finding){ .instance = setup->instances[f.scanner], .outcome = o };
	return 0;
}

static int take_record(struct collecting *c, const void *data, size_t n)
{
	struct wire_reader r;
	if (!wire_open(&r, data, n))
		return -1;
	switch (r.kind) {
	case RECORD_PART:
		return take_part(c, &r);
	case RECORD_UNPACK_STOP:
		return c->parts_done || c->mail->part_count > 0 ? -1 : 0;	/* it crossed our UNPACKED */
	case RECORD_FINDING:
		return c->parts_done ? take_finding(c, &r) : -1;
	case RECORD_OPENED:
		if (c->parts_done)
			return -1;
		c->parts_done = true;
		return opened_read(&r, c->mail, &c->opened) == 0 && c->opened.part_count == c->mail->part_count ? 0 : -1;
	default:
		return -1;
	}
}

static int conclude(struct collecting *c, struct error *e)
{
	struct mail *m = c->mail;
	const struct opened *o = &c->opened;
	if (o->outcome == OPENED_BROKEN)
		return error_set(e, ERROR_INPUT, "opener: it could not take the mail apart");
	if (o->outcome == OPENED_ENVIRONMENT)
		return error_set(e, ERROR_ENVIRONMENT, "opener: it has no room for the mail's parts: %s", o->hold ? o->hold : "no reason given");
	m->opened = true;
	m->undecipherable = o->undecipherable;
	m->unopened = o->unopened;
	m->crypted = o->crypted;
	m->ambiguous = o->ambiguous;
	m->over_limits = o->outcome == OPENED_LIMIT;
	m->mail_as_part = o->mail_kept;
	m->hold = o->hold;
	m->mime_error = o->mime_error;
	c->out->opened = true;
	return 0;
}

/* --- programs that it asks for --- */

static struct plugin_instance *decoder_of(const struct collecting *c, uint32_t number)
{
	const struct open_request *q = c->request;
	for (unsigned i = 0; q && i < q->decoder_count; i++)
		if (q->decoders[i]->number == number)
			return c->link->setup->instances[number];
	return NULL;
}

/* The opener reads this, and needs time for what came out. */
static struct deadline program_deadline(const struct collecting *c)
{
	struct deadline d = share_of(c->mail);
	if (d.at_ms > 0)
		d.at_ms -= ANSWER_MS;
	return deadline_sooner(d, policy_ms(c->request->policy, SET_decoder_time_limit, 0));
}

static int answer_unpack(struct opener_link *l, const struct unpacked_record *u)
{
	struct wire_writer w = { 0 };
	size_t n;
	unpacked_record_write(&w, u);
	const void *data = wire_end(&w, &n);
	int rc = fdpass_send(l->fd, data, n, NULL, 0, 0);
	wire_free(&w);
	return rc;
}

/* Only while it takes the mail apart, and only one of the decoders that it was given. */
static int take_unpack(struct collecting *c, struct wire_reader *r, void *owner, struct error *e)
{
	struct opener_link *l = c->link;
	struct unpack_record u = { 0 };
	struct unpacked_record answer;
	const struct policy *p = c->request ? c->request->policy : NULL;
	struct plugin_instance *i = unpack_record_read(r, owner, &u) == 0 && c->mail->part_count == 0 && !c->parts_done ? decoder_of(c, u.decoder) : NULL;
	if (!i)
		return error_set(e, ERROR_INPUT, "opener: it asked for a program that cannot be");
	struct program_job job = {
		.instance = i, .part = u.part, .password = u.password, .scratch_fd = l->dir_fd, .opener_fd = l->fd,
		.launcher = l->setup->launcher, .deadline = program_deadline(c),
		.file_max_bytes = quota_of(p, c->mail->size_bytes), .cpu_ms = (uint32_t)policy_ms(p, SET_decoder_cpu_limit, 0),
	};
	if (program_run_job(&job, owner, &answer, e) != 0)
		return -1;
	return answer_unpack(l, &answer) == 0 ? 0 : error_set(e, ERROR_INPUT, "opener: it ended while a program ran for it");
}

static bool asks_for_program(const struct collecting *c, size_t n, struct wire_reader *r)
{
	return wire_open(r, c->link->buffer, n) && r->kind == RECORD_UNPACK;
}

/* One record of the opener, checked and taken down. */
static int collect_one(struct collecting *c, struct error *e)
{
	struct wire_reader r;
	ssize_t n = receive(c->link, share_of(c->mail), NULL, NULL, e);
	if (n < 0 && e->class == ERROR_DEADLINE && clock_now_ms() - c->link->sent_ms < c->link->fair_ms)
		e->class = ERROR_ENVIRONMENT;	/* the time was spent before: not the mail's fault */
	if (n < 0)
		return -1;
	if (n == 0)
		return error_set(e, ERROR_INPUT, "opener: it ended while it had the mail");
	c->said_bytes += (size_t)n;
	if (asks_for_program(c, (size_t)n, &r) && c->said_bytes <= SAID_BYTES_MAX) {
		void *owner = talloc_new(c->mail);
		int rc = take_unpack(c, &r, owner, e);
		talloc_free(owner);
		return rc;
	}
	if (c->said_bytes > SAID_BYTES_MAX || take_record(c, c->link->buffer, (size_t)n) != 0)
		return error_set(e, ERROR_INPUT, "opener: it said something that cannot be");
	return 0;
}

static int collect_parts(struct collecting *c, struct error *e)
{
	while (!c->parts_done)
		if (collect_one(c, e) != 0)
			return -1;
	return conclude(c, e);
}

/* --- the order --- */

static uint32_t *numbers_of(const struct plugin_instance *const *instances, unsigned count, void *owner)
{
	uint32_t *numbers = talloc_array(owner, uint32_t, count + 1);
	for (unsigned i = 0; i < count; i++)
		numbers[i] = instances[i]->number;
	return numbers;
}

static int send_order(struct opener_link *l, const struct mail *m, const struct open_request *q)
{
	void *tmp = talloc_new(NULL);
	struct open_order o = {
		.log_id = m->log_id, .size_bytes = m->size_bytes, .deadline_ms = share_of(m).at_ms,
		.scan = q->scan, .first_infected_stops = q->stop_at_first,
		.keep_mail = q->keep_mail, .bare_file = m->bare_file, .keep_parts = q->keep_parts, .asks_keep = q->asks_keep,
		.max_files = (uint64_t)policy_int(q->policy, SET_MAXFILES, 0), .max_levels = (uint64_t)policy_int(q->policy, SET_MAXLEVELS, 0),
		.quota_bytes = quota_of(q->policy, m->size_bytes),
		.cpu_ms = (uint32_t)policy_ms(q->policy, SET_opener_cpu_limit, 60000),
		.decoding_ms = (uint32_t)policy_ms(q->policy, SET_decoding_time_limit, 0),
		.decoding_cpu_ms = (uint32_t)policy_ms(q->policy, SET_decoding_cpu_limit, 0),
		.decoder_ms = (uint32_t)policy_ms(q->policy, SET_decoder_time_limit, 0),
		.decoder_cpu_ms = (uint32_t)policy_ms(q->policy, SET_decoder_cpu_limit, 0),
		.password_words = (uint32_t)policy_int(q->policy, SET_archive_password_words, 0),
		.digest = policy_string(q->policy, SET_mail_part_digest_algorithm),
		.decoder_count = q->decoder_count, .decoders = numbers_of(q->decoders, q->decoder_count, tmp),
		.scanner_count = q->scanner_count, .scanners = numbers_of(q->scanners, q->scanner_count, tmp),
	};
	struct wire_writer w = { 0 };
	size_t n;
	open_order_write(&w, &o);
	const void *data = wire_end(&w, &n);
	int rc = fdpass_send(l->fd, data, n, &m->fd, 1, 0);
	wire_free(&w);
	talloc_free(tmp);
	return rc;
}

static void forget_parts(struct mail *m, struct open_result *out)
{
	TALLOC_FREE(m->parts);
	m->part_count = 0;
	*out = (struct open_result){ 0 };
}

/* An opener that ended while idle (killed, recycled, replaced for a new database) is nobody's fault: one more try. */
static int order_with_retry(struct opener_link *l, struct mail *m, const struct open_request *q, struct error *e)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		opener_link_ensure(l);
		if (l->fd < 0)
			return error_set(e, ERROR_ENVIRONMENT, "opener: none can be had, its template is gone");
		if (await_hello(l, share_of(m), e) != 0) {
			opener_link_drop(l);
			if (e->class == ERROR_CANCELLED)
				return -1;
			if (e->class == ERROR_DEADLINE)
				return error_set(e, ERROR_ENVIRONMENT, "opener: none was ready within the mail's time");
			continue;
		}
		struct pollfd p = { .fd = l->fd, .events = POLLIN };
		if (poll(&p, 1, 0) == 0 && send_order(l, m, q) == 0)
			return 0;
		opener_link_drop(l);
	}
	return error_set(e, ERROR_ENVIRONMENT, "opener: two of them ended before they had the mail");
}

int open_mail(struct opener_link *l, struct mail *m, const struct open_request *request, struct open_result *out, struct error *e)
{
	struct error sink = { 0 };
	struct collecting c = { .link = l, .request = request, .mail = m, .out = out };
	e = e ? e : &sink;
	*out = (struct open_result){ 0 };
	if (order_with_retry(l, m, request, e) != 0)
		return -1;
	l->busy = true;
	l->keeps_parts = request->keep_parts;
	l->sent_ms = clock_now_ms();
	l->fair_ms = policy_ms(request->policy, SET_child_timeout, 480000) / 4;
	if (collect_parts(&c, e) == 0) {
		out->findings_due = request->scan ? request->scanner_count : 0;
		out->awaits_keep = request->scan && request->asks_keep && c.opened.spared_count > 0;
		return 0;
	}
	opener_link_drop(l);
	forget_parts(m, out);
	return -1;
}

int open_findings(struct opener_link *l, struct mail *m, struct open_result *out, struct error *e)
{
	struct error sink = { 0 };
	struct collecting c = { .link = l, .mail = m, .out = out, .parts_done = true };
	e = e ? e : &sink;
	while (out->finding_count < out->findings_due) {
		if (collect_one(&c, e) == 0)
			continue;
		opener_link_drop(l);
		return -1;
	}
	return 0;
}

void open_keep(struct opener_link *l, const struct open_result *opened, const uint32_t *parts, uint32_t count)
{
	struct keep_record k = { .count = count, .parts = (uint32_t *)(uintptr_t)parts };
	struct wire_writer w = { 0 };
	size_t n;
	if (l->fd < 0 || !opened->awaits_keep)
		return;
	keep_record_write(&w, &k);
	const void *data = wire_end(&w, &n);
	if (fdpass_send(l->fd, data, n, NULL, 0, 0) != 0)
		log_write(LOG_LEVEL_DEBUG, "opener: it does not take what containers to keep");	/* its end is met when findings are read */
	wire_free(&w);
}

void open_done(struct opener_link *l)
{
	struct wire_writer w = { 0 };
	size_t n;
	if (l->fd < 0 || !l->busy || !l->keeps_parts)
		return;
	wire_begin(&w, RECORD_DONE);
	const void *data = wire_end(&w, &n);
	if (fdpass_send(l->fd, data, n, NULL, 0, 0) != 0)
		opener_link_drop(l);
	wire_free(&w);
}

void open_wait_emptied(struct opener_link *l, struct deadline d)
{
	struct wire_reader r;
	struct error e = { 0 };
	if (l->fd < 0 || !l->busy)
		return;
	d.cancel_fd = -1;
	ssize_t n = receive(l, d, NULL, NULL, &e);
	l->busy = false;
	if (n <= 0 || !wire_open(&r, l->buffer, (size_t)n) || r.kind != RECORD_EMPTIED)
		opener_link_drop(l);	/* it left in order after the mail, or it is not to be trusted: either way another */
}

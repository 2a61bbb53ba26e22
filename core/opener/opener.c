/* opener.c - an opener's life: scratch folder, jail, HELLO, then OPEN ... DONE until its worker hangs up.
 *
 * Only the worker is talked to, and nonsense from it ends the process. After any
 * LIMIT or doubt it finishes the mail in hand and leaves; another takes its
 * place. When it means to leave it shuts its reading side before EMPTIED: the
 * worker's next OPEN then fails with EPIPE, which is nobody's fault, instead of
 * vanishing in a dying process. */
#include "config.h"

#include "opener/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "opener/scan.h"

#define ORDER_MAX_BYTES (WIRE_PARTS_MAX * 4 + 8 * 1024)	/* a KEEP may name every part */

#define WATCH_EVERY_MS 10	/* what a program makes meanwhile */

struct opener {
	const struct opener_settings *settings;
	int dir_fd;
	char scratch[32];
	char *folder;			/* absolute path of it */
	struct jail_report jail;
	timer_t cpu_timer;
	unsigned mails;
	bool leaving;			/* after the mail in hand */
	sigset_t idle_mask;		/* what is let through while waiting */
	struct wire_writer writer;
};

/* What is known of the mail in hand. */
struct task {
	struct opener *opener;
	void *owner;			/* of everything that is this mail's */
	struct open_order order;
	struct opened opened;
	struct opener_tree tree;
	int mail_fd;
};

static volatile sig_atomic_t asked_to_leave;

static void note_term(int number)
{
	asked_to_leave = 1;
}

/* --- talk --- */

static int send_record(struct opener *o, const int *fds, int fd_count)
{
	size_t n;
	const void *data = wire_end(&o->writer, &n);
	int rc;
	do
		rc = fdpass_send(o->settings->worker_fd, data, n, fds, fd_count, 0);
	while (rc != 0 && errno == EINTR);
	return rc;
}

static int say_hello(struct opener *o, int worker_dir_fd)
{
	struct hello h = {
		.pid = (uint32_t)getpid(), .seccomp = o->jail.seccomp, .landlock_abi = (uint8_t)o->jail.landlock_abi,
		.memory_limit_bytes = o->jail.memory_limit_bytes, .scratch = o->scratch,
	};
	hello_write(&o->writer, &h);
	return send_record(o, &worker_dir_fd, 1);
}

/* --- one mail --- */

static void arm_cpu_timer(struct opener *o, uint32_t cpu_ms)
{
	struct itimerspec t = { .it_value = { .tv_sec = cpu_ms / 1000, .tv_nsec = (long)(cpu_ms % 1000) * 1000000 } };
	timer_settime(o->cpu_timer, 0, &t, NULL);	/* 0: disarmed */
}

static int send_tree(struct task *t)
{
	struct opener *o = t->opener;
	for (unsigned i = 0; i < t->tree.count; i++) {
		struct part_record r = tree_record(&t->tree.parts[i]);
		part_record_write(&o->writer, &r);
		if (send_record(o, NULL, 0) != 0)
			return -1;
	}
	opened_write(&o->writer, &t->opened);
	return send_record(o, NULL, 0);
}

static int send_finding(void *context, const struct finding_record *f)
{
	struct task *t = context;
	finding_record_write(&t->opener->writer, f);
	return send_record(t->opener, NULL, 0);
}

static void scan_mail(struct task *t)
{
	struct opener *o = t->opener;
	struct scan_job job = {
		.settings = o->settings, .order = &t->order, .tree = &t->tree, .opened = &t->opened,
		.mail_fd = t->mail_fd, .dir_fd = o->dir_fd, .folder = o->folder, .owner = t->owner,
	};
	if (!scan_run(&job, send_finding, t))
		o->leaving = true;
}

static int take_keep(struct task *t);
static int run_program(void *context, const struct unpack_record *order, bool (*watch)(void *), void *watch_context, void *owner,
	struct unpacked_record *out);

static int open_mail(struct task *t)
{
	struct opener *o = t->opener;
	struct opener_job job = {
		.order = &t->order, .mail_fd = t->mail_fd, .dir_fd = o->dir_fd, .folder = o->folder,
		.instances = o->settings->instances, .instance_count = o->settings->instance_count,
		.run_program = run_program, .program_context = t,
	};
	opener_take_apart(&job, &t->tree, &t->opened, t->owner);
	if (t->opened.outcome != OPENED_OK)
		o->leaving = true;
	if (send_tree(t) != 0)
		return -1;
	/* The worker asks its own scanners meanwhile. */
	bool good = t->opened.outcome == OPENED_OK || t->opened.outcome == OPENED_LIMIT;
	if (t->order.scan && good && take_keep(t) == 0)
		scan_mail(t);
	return 0;
}

/* The descriptor is a file at least as long as the order says. */
static bool order_is_sane(const struct open_order *order, int mail_fd)
{
	struct stat st;
	return fstat(mail_fd, &st) == 0 && S_ISREG(st.st_mode) && order->size_bytes <= (uint64_t)st.st_size;
}

static void idle_instances(struct opener *o)
{
	for (size_t i = 0; i < o->settings->instance_count; i++)
		if (o->settings->instances[i])
			plugin_instance_idle(o->settings->instances[i]);
}

/* --- waiting --- */

struct received {
	char *bytes;			/* talloc'd on the owner */
	struct wire_reader reader;
	int fd;				/* -1: none came */
};

static int receive(struct opener *o, void *owner, struct received *r, int flags)
{
	int fds[FDPASS_MAX], count = FDPASS_MAX;
	r->bytes = talloc_size(owner, ORDER_MAX_BYTES);
	r->fd = -1;
	ssize_t n = fdpass_receive(o->settings->worker_fd, r->bytes, ORDER_MAX_BYTES, fds, &count, flags);
	if (n <= 0)
		return -1;
	if (count > 1 || !wire_open(&r->reader, r->bytes, (size_t)n)) {
		fdpass_close_all(fds, count);
		log_write(LOG_LEVEL_ERROR, "opener: nonsense from its worker");
		return -1;
	}
	r->fd = count == 1 ? fds[0] : -1;
	return 0;
}

/* Until a record is there; TERM ends the waiting, but not before what the worker sent already is read. -1: leave now. */
static int wait_for_record(struct opener *o, void *owner, struct received *r)
{
	struct pollfd p = { .fd = o->settings->worker_fd, .events = POLLIN };
	int ready;
	do
		ready = asked_to_leave ? 0 : ppoll(&p, 1, NULL, &o->idle_mask);
	while (ready < 0 && errno == EINTR && !asked_to_leave);
	if (ready > 0)
		return receive(o, owner, r, 0);
	shutdown(o->settings->worker_fd, SHUT_RD);
	o->leaving = true;
	return receive(o, owner, r, MSG_DONTWAIT);
}

static int take_order(struct opener *o, struct task *t)
{
	struct received r;
	if (wait_for_record(o, t->owner, &r) != 0)
		return -1;
	t->mail_fd = r.fd;
	if (r.reader.kind == RECORD_OPEN && open_order_read(&r.reader, t->owner, &t->order) == 0 && r.fd >= 0 && order_is_sane(&t->order, r.fd))
		return 0;
	log_write(LOG_LEVEL_ERROR, "opener: refuses an order that is none");
	return -1;
}

static int take_done(struct opener *o, void *owner)
{
	struct received r;
	if (receive(o, owner, &r, 0) != 0)
		return -1;
	if (r.fd >= 0)
		close(r.fd);
	return r.reader.kind == RECORD_DONE && wire_reader_ok(&r.reader) && r.fd < 0 ? 0 : -1;
}

/* Which spared parts the scanners get all the same: the worker says so where there are any, and it wants to. */
static int take_keep(struct task *t)
{
	struct received r;
	struct keep_record k;
	if (!t->order.asks_keep || t->opened.spared_count == 0)
		return 0;
	if (receive(t->opener, t->owner, &r, 0) != 0)
		return -1;
	if (r.fd >= 0)
		close(r.fd);
	if (r.fd >= 0 || r.reader.kind != RECORD_KEEP || keep_record_read(&r.reader, t->owner, &k) != 0)
		return -1;
	for (uint32_t i = 0; i < k.count; i++)
		if (k.parts[i] > 0 && k.parts[i] <= t->tree.count)
			tree_part(&t->tree, k.parts[i])->attributes &= (uint16_t)~PART_SPARED;
	return 0;
}

static int take_unpacked(struct task *t, void *owner, struct unpacked_record *out)
{
	struct received r;
	if (receive(t->opener, owner, &r, 0) != 0)
		return -1;
	if (r.fd >= 0)
		close(r.fd);
	return r.fd < 0 && r.reader.kind == RECORD_UNPACKED ? unpacked_record_read(&r.reader, owner, out) : -1;
}

/* The worker starts it; what it makes comes to lie in the scratch folder, and is watched from here. */
static int run_program(void *context, const struct unpack_record *order, bool (*watch)(void *), void *watch_context, void *owner,
	struct unpacked_record *out)
{
	struct task *t = context;
	struct opener *o = t->opener;
	struct pollfd p = { .fd = o->settings->worker_fd, .events = POLLIN };
	int ready;
	unpack_record_write(&o->writer, order);
	if (send_record(o, NULL, 0) != 0)
		return -1;
	while ((ready = poll(&p, 1, watch ? WATCH_EVERY_MS : -1)) <= 0) {
		if (ready < 0 && errno != EINTR)
			return -1;
		if (!watch || watch(watch_context))
			continue;
		watch = NULL;
		wire_begin(&o->writer, RECORD_UNPACK_STOP);
		if (send_record(o, NULL, 0) != 0)
			return -1;
	}
	return take_unpacked(t, owner, out);
}

static int say_emptied(struct opener *o)
{
	if (scratch_empty(o->dir_fd) != 0) {
		log_write(LOG_LEVEL_ERROR, "opener: cannot empty its scratch folder %s: %s", o->folder, strerror(errno));
		return -1;
	}
	if (o->settings->max_mails > 0 && o->mails >= o->settings->max_mails)
		o->leaving = true;
	if (o->leaving)
		shutdown(o->settings->worker_fd, SHUT_RD);
	wire_begin(&o->writer, RECORD_EMPTIED);
	return send_record(o, NULL, 0);
}

/* 0: on to the next mail; -1: leave. */
static int serve_mail(struct opener *o)
{
	void *owner = talloc_named_const(o, 0, "mail");
	struct task t = { .opener = o, .owner = owner, .mail_fd = -1 };
	int rc = take_order(o, &t);
	if (rc == 0) {
		log_set_id(t.order.log_id);
		arm_cpu_timer(o, t.order.cpu_ms);
		o->mails++;
		rc = open_mail(&t);
		arm_cpu_timer(o, 0);
	}
	if (t.mail_fd >= 0)
		close(t.mail_fd);
	if (rc == 0 && t.order.keep_parts)
		rc = take_done(o, owner);
	talloc_free(owner);
	if (rc == 0)
		rc = say_emptied(o);
	idle_instances(o);
	log_set_id(NULL);
	return rc == 0 && !o->leaving ? 0 : -1;
}

/* --- start and end --- */

static int prepare_signals(struct opener *o, struct error *e)
{
	struct sigaction term = { .sa_handler = note_term };
	struct sigevent overrun = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGXCPU };
	sigset_t blocked;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &o->idle_mask);
	sigdelset(&o->idle_mask, SIGTERM);
	sigaction(SIGTERM, &term, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);	/* a file too large is an error to be handled, not a death */
	signal(SIGXCPU, SIG_DFL);
	if (timer_create(CLOCK_PROCESS_CPUTIME_ID, &overrun, &o->cpu_timer) != 0)
		return error_set_errno(e, "CPU timer");
	return 0;
}

static int start_instances(struct opener *o, struct error *e)
{
	for (size_t i = 0; i < o->settings->instance_count; i++) {
		struct plugin_instance *instance = o->settings->instances[i];
		if (!instance)
			continue;
		instance->work_folder = o->folder;
		if (plugin_instance_start(instance, e) != 0)
			return error_prefix(e, "plugin %s", instance->name);
	}
	return 0;
}

static void stop_instances(struct opener *o)
{
	for (size_t i = 0; i < o->settings->instance_count; i++)
		if (o->settings->instances[i])
			plugin_instance_stop(o->settings->instances[i]);
}

/* Forked siblings share the state of rand(), and with it the names of temporary files that libraries make. */
static void reseed(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	srand((unsigned)getpid() * 2654435761u ^ (unsigned)t.tv_nsec);
}

static int move_in(struct opener *o, struct error *e)
{
	const struct opener_settings *s = o->settings;
	reseed();
	if (opener_preload(e) != 0 || scratch_make(s->temp_base, o->scratch, &o->dir_fd, e) != 0)
		return -1;
	o->folder = talloc_asprintf(o, "%s/%s", s->temp_base, o->scratch);
	int worker_dir_fd = openat(o->dir_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (worker_dir_fd < 0)
		return error_set_errno(e, "scratch folder %s", o->folder);
	int rc = prepare_signals(o, e) == 0 && start_instances(o, e) == 0 ? 0 : -1;
	if (rc == 0 && !s->unjailed)
		rc = jail_enter(o->dir_fd, s->memory_limit_bytes, s->file_limit_bytes, &o->jail, e);
	if (rc == 0 && say_hello(o, worker_dir_fd) != 0)
		rc = errno == EPIPE ? error_set(e, ERROR_CANCELLED, "the worker has gone") : error_set_errno(e, "HELLO to the worker");
	close(worker_dir_fd);
	return rc;
}

int opener_run(const struct opener_settings *s)
{
	struct error e = { 0 };
	struct opener *o = talloc_zero(NULL, struct opener);
	o->settings = s;
	o->dir_fd = -1;
	int rc = move_in(o, &e);
	if (rc != 0)
		log_write(e.class == ERROR_CANCELLED ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR, "opener: %s", e.text);
	while (rc == 0 && serve_mail(o) == 0)
		;
	stop_instances(o);
	if (o->dir_fd >= 0)
		scratch_empty(o->dir_fd);	/* the folder itself is outside of the jail: the template sweeps it */
	wire_free(&o->writer);
	talloc_free(o);
	return rc == 0 ? 0 : 1;
}

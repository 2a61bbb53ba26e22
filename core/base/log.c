/* log.c - makes log lines: who, when, which mail, escaped and cut to length. log_sink.c writes them.
 *
 * State is one per process and guarded by a mutex: scanners log from threads
 * of their own.  Formatting takes no lock. */
#include "config.h"
#include "base/log.h"

#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/log_sink.h"
#include "base/text.h"

#define LINE_MAX_DEFAULT 980
#define LINE_MAX_LEAST 100	/* below, continuation marks and ids would leave no room for text */
#define FACILITY_MAIL 2

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_sink sink = { .to = LOG_TO_STDERR, .fd = -1 };
static char ident[64] = "postern", host[256], role[32], log_id[64];
static int facility = FACILITY_MAIL, line_max = LINE_MAX_DEFAULT;
static atomic_int wanted_level;
static bool json;
static uint64_t dropped, dropped_told;

static int facility_find(const char *name)
{
	static const char *const names[] = {
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
		[16] = "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	};
	for (int i = 0; i < (int)G_N_ELEMENTS(names); i++) {
		if (names[i] && g_ascii_strcasecmp(name, names[i]) == 0)
			return i;
	}
	return -1;
}

static int priority_of(int level)
{
	if (level <= -3)
		return 2;	/* crit */
	if (level < 0)
		return level == -2 ? 3 : 4;	/* err, warning */
	if (level == 0)
		return 5;	/* notice */
	return level <= 2 ? 6 : 7;	/* info, debug */
}

static void find_host(void)
{
	if (gethostname(host, sizeof host) != 0 || !host[0])
		strcpy(host, "localhost");
	host[sizeof host - 1] = '\0';
	host[strcspn(host, ".")] = '\0';
}

static int open_sink(const struct log_settings *s)
{
	if (s->destination == LOG_TO_SYSLOG)
		return log_sink_open(&sink, LOG_TO_SYSLOG, s->syslog_socket ? s->syslog_socket : "/dev/log");
	if (s->destination == LOG_TO_FILE && !s->path) {
		errno = EINVAL;
		return -1;
	}
	return log_sink_open(&sink, s->destination, s->path);
}

int log_configure(const struct log_settings *settings)
{
	int number = facility_find(settings->facility ? settings->facility : "mail");
	tzset();	/* the time zone's file cannot be read in a jail */
	pthread_mutex_lock(&lock);
	find_host();
	snprintf(ident, sizeof ident, "%s", settings->ident && settings->ident[0] ? settings->ident : "postern");
	facility = number >= 0 ? number : FACILITY_MAIL;
	line_max = settings->line_max > 0 ? MAX(settings->line_max, LINE_MAX_LEAST) : LINE_MAX_DEFAULT;
	json = settings->json;
	atomic_store(&wanted_level, settings->level);
	int rc = open_sink(settings);
	int errnum = errno;
	if (rc != 0)
		log_sink_open(&sink, LOG_TO_STDERR, NULL);
	pthread_mutex_unlock(&lock);
	errno = errnum;
	return rc;
}

static void copy_name(char *to, size_t size, const char *from)
{
	pthread_mutex_lock(&lock);
	snprintf(to, size, "%s", from ? from : "");
	pthread_mutex_unlock(&lock);
}

void log_set_role(const char *new_role)
{
	copy_name(role, sizeof role, new_role);
}

void log_set_id(const char *new_id)
{
	copy_name(log_id, sizeof log_id, new_id);
}

void log_set_nonblocking(void)
{
	pthread_mutex_lock(&lock);
	log_sink_set_nonblocking(&sink);
	pthread_mutex_unlock(&lock);
}

void log_set_level(int level)
{
	atomic_store(&wanted_level, level);
}

int log_get_level(void)
{
	return atomic_load(&wanted_level);
}

bool log_wants(int level)
{
	return level <= atomic_load_explicit(&wanted_level, memory_order_relaxed);
}

void log_reopen(void)
{
	pthread_mutex_lock(&lock);
	log_sink_reopen(&sink);
	pthread_mutex_unlock(&lock);
}

uint64_t log_dropped(void)
{
	pthread_mutex_lock(&lock);
	uint64_t n = dropped;
	pthread_mutex_unlock(&lock);
	return n;
}

/* "Nov  1 09:05:00", RFC 3164's only form, whatever the locale. */
static void append_time(GString *out)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static time_t last = -1;
	static char text[32];
	time_t now = time(NULL);
	if (now != last) {
		struct tm t;
		localtime_r(&now, &t);
		snprintf(text, sizeof text, "%.3s %2d %02d:%02d:%02d", months + 3 * t.tm_mon, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
		last = now;
	}
	g_string_append(out, text);
}

/* What stands before the text in every line; syslogd adds the host itself. */
static void append_head(GString *out, int level)
{
	if (sink.to == LOG_TO_SYSLOG)
		g_string_append_printf(out, "<%d>", facility * 8 + priority_of(level));
	append_time(out);
	g_string_append_c(out, ' ');
	if (sink.to != LOG_TO_SYSLOG) {
		if (!host[0])
			find_host();
		g_string_append_printf(out, "%s ", host);
	}
	g_string_append_printf(out, "%s[%d]: ", ident, (int)getpid());
	if (sink.to != LOG_TO_SYSLOG && level >= 1 && role[0])
		g_string_append_printf(out, "[%s] ", role);
}

static bool put(GString *line)
{
	if (sink.to != LOG_TO_SYSLOG)
		g_string_append_c(line, '\n');
	bool ok = log_sink_put(&sink, line->str, line->len);
	if (!ok)
		dropped++;
	return ok;
}

static void append_json_member(GString *out, const char *name, const char *value, size_t n)
{
	g_string_append_printf(out, "\"%s\":", name);
	text_append_json(out, value, n);
}

static void append_json_line(GString *out, int level, const char *text, size_t n)
{
	int64_t now_us = clock_wall_us();
	time_t second = (time_t)(now_us / 1000000);
	struct tm t;
	gmtime_r(&second, &t);
	g_string_append_printf(out, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\",", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
		t.tm_hour, t.tm_min, t.tm_sec, (int)(now_us / 1000 % 1000));
	append_json_member(out, "ident", ident, strlen(ident));
	g_string_append_printf(out, ",\"pid\":%d,\"level\":%d,", (int)getpid(), level);
	append_json_member(out, "id", log_id, strlen(log_id));
	g_string_append_c(out, ',');
	append_json_member(out, "text", text, n);
	g_string_append_c(out, '}');
}

/* syslogd wants its head even where the text is JSON; elsewhere the object is the line. */
static bool put_json(int level, const char *text, size_t n, bool is_object)
{
	GString *line = g_string_sized_new(n + 200);
	if (sink.to == LOG_TO_SYSLOG)
		append_head(line, level);
	if (is_object)
		g_string_append_len(line, text, (gssize)n);
	else
		append_json_line(line, level, text, n);
	bool ok = put(line);
	g_string_free(line, TRUE);
	return ok;
}

/* How many of n bytes go into this line, `room` at most; a UTF-8 character is not torn apart. */
static size_t cut_at(const char *text, size_t n, size_t room)
{
	if (n <= room)
		return n;
	size_t at = room;
	while (at > 0 && room - at < 6 && ((unsigned char)text[at] & 0xc0) == 0x80)
		at--;
	return at > 0 ? at : room;
}

static bool put_text(int level, const char *text, size_t n)
{
	char prefix[sizeof log_id + 10];
	snprintf(prefix, sizeof prefix, "%s%s%s%s", log_id[0] ? "(" : "", log_id, log_id[0] ? ") " : "",
		level >= 0 ? "" : level == -1 ? "(!)" : "(!!)");
	size_t room = (size_t)line_max - strlen(prefix) - strlen("......");
	bool first = true, ok = true;
	GString *line = g_string_sized_new(MIN(n, room) + 200);
	do {
		/* The whole text may use the room of the marks that it does not need. */
		size_t here = first && n <= room + strlen("......") ? n : cut_at(text, n, room);
		g_string_truncate(line, 0);
		append_head(line, level);
		g_string_append_printf(line, "%s%s", prefix, first ? "" : "...");
		g_string_append_len(line, text, (gssize)here);
		if (here < n)
			g_string_append(line, "...");
		ok = put(line) && ok;
		text += here;
		n -= here;
		first = false;
	} while (n > 0);
	g_string_free(line, TRUE);
	return ok;
}

static void tell_dropped(void)
{
	uint64_t lost = dropped - dropped_told;
	if (lost == 0)
		return;
	char text[80];
	int n = snprintf(text, sizeof text, "log: %llu lines were dropped, the log could not take them", (unsigned long long)lost);
	bool ok = json ? put_json(LOG_LEVEL_WARNING, text, (size_t)n, false) : put_text(LOG_LEVEL_WARNING, text, (size_t)n);
	if (ok)
		dropped_told += lost;
}

void log_write(int level, const char *format, ...)
{
	if (!log_wants(level))
		return;
	int errnum = errno;
	va_list args;
	va_start(args, format);
	GString *text = g_string_sized_new(256);
	g_string_vprintf(text, format, args);
	va_end(args);
	if (text->len > 0 && text->str[text->len - 1] == '\n')
		g_string_truncate(text, text->len - 1);
	GString *clean = g_string_sized_new(text->len + 16);
	text_append_escaped(clean, text->str, text->len);
	pthread_mutex_lock(&lock);
	bool ok = json ? put_json(level, text->str, text->len, false) : put_text(level, clean->str, clean->len);
	if (ok)
		tell_dropped();
	pthread_mutex_unlock(&lock);
	g_string_free(clean, TRUE);
	g_string_free(text, TRUE);
	errno = errnum;
}

void log_write_json(int level, const char *object)
{
	if (!log_wants(level))
		return;
	int errnum = errno;
	pthread_mutex_lock(&lock);
	if (put_json(level, object, strlen(object), true))
		tell_dropped();
	pthread_mutex_unlock(&lock);
	errno = errnum;
}

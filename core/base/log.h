/* log.h - log lines of every process: to standard error, a file, or syslog.
 *
 * Levels are amavisd-new's: -2 and below error, -1 warning, 0 notice (the main
 * line of each mail), 1-2 information, 3-5 debugging.  Syslog priorities:
 * <=-3 crit, -2 err, -1 warning, 0 notice, 1-2 info, >=3 debug; the text is
 * prefixed "(!)" for -1 and "(!!)" below.  Lines carry "(log id) " where one is
 * set, control characters are escaped (\n \t \\ \NNN), lines longer than
 * logline_maxlen are continued with "...".  Nothing here ever blocks once
 * log_set_nonblocking() was called: a line that does not fit is counted as
 * dropped and the count is logged later. */
#ifndef POSTERN_BASE_LOG_H
#define POSTERN_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LEVEL_CRIT (-3)
#define LOG_LEVEL_ERROR (-2)
#define LOG_LEVEL_WARNING (-1)
#define LOG_LEVEL_NOTICE 0
#define LOG_LEVEL_INFO 1
#define LOG_LEVEL_DEBUG 3

enum log_destination { LOG_TO_STDERR, LOG_TO_SYSLOG, LOG_TO_FILE };

struct log_settings {
	enum log_destination destination;
	const char *ident;	/* syslog_ident; also printed by stderr and file lines */
	const char *facility;	/* "mail", "daemon", "local0"..."local7" */
	const char *path;	/* LOG_TO_FILE: appended to, created 0640, opened O_NOFOLLOW */
	const char *syslog_socket; /* NULL: /dev/log */
	int level;		/* lines above this level are not written */
	int line_max;		/* bytes of text per line before it is continued; 0: 980 */
	bool json;		/* every line as one JSON object {time,ident,pid,level,id,text} */
};

/* Take new settings; strings are copied.  Until the first call lines go to
 * standard error at level 0.  Returns -1 with errno when the file or the
 * socket cannot be opened (lines then go to standard error). */
int log_configure(const struct log_settings *settings);
void log_set_role(const char *role);	/* "reception", "worker" ...: shown in [brackets] at level >= 1 lines of stderr/file */
void log_set_id(const char *log_id);	/* "12345-01" or NULL; copied */
void log_set_nonblocking(void);		/* reception and master */
bool log_wants(int level);
void log_set_level(int level);		/* from now on, until the next call: a policy bank or debug_sender_maps asks for more of one mail */
int log_get_level(void);
void log_reopen(void);			/* the file, after logrotate */
void log_write(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The main line of a mail when JSON is wanted: `object` is one complete JSON object, written as it is. */
void log_write_json(int level, const char *object);
uint64_t log_dropped(void);

#endif

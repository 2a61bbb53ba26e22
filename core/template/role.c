/* role.c - names of roles, and the log settings that a role gets by record.
 * It starts nothing and reads no configuration. */
#include "template/role.h"

#include <string.h>

#include "base/log.h"
#include "wire/records.h"

static const char *const role_names[ROLE_COUNT] = {
	[ROLE_MASTER] = "master",
	[ROLE_WORKER_TEMPLATE] = "worker-template",
	[ROLE_OPENER_TEMPLATE] = "opener-template",
	[ROLE_RECEPTION] = "reception",
};

const char *role_name(enum role r)
{
	return r < ROLE_COUNT ? role_names[r] : "?";
}

enum role role_from_name(const char *name)
{
	for (int r = 0; r < ROLE_COUNT; r++)
		if (strcmp(role_names[r], name) == 0)
			return (enum role)r;
	return ROLE_COUNT;
}

static enum log_destination log_destination_of(const struct settings_record *s, const struct role_options *o)
{
	if (settings_record_get(s, "logfile"))
		return LOG_TO_FILE;
	if (settings_record_int(s, "do_syslog", 0))
		return LOG_TO_SYSLOG;
	return o->foreground ? LOG_TO_STDERR : LOG_TO_SYSLOG;
}

void role_configure_log(const struct settings_record *s, const struct role_options *o)
{
	const char *ident = settings_record_get(s, "syslog_ident");
	const char *facility = settings_record_get(s, "syslog_facility");
	struct log_settings l = {
		.destination = log_destination_of(s, o),
		.ident = ident ? ident : "postern",
		.facility = facility ? facility : "mail",
		.path = settings_record_get(s, "logfile"),
		.level = (int)settings_record_int(s, "log_level", 0),
		.line_max = (int)settings_record_int(s, "logline_maxlen", 980),
		.json = settings_record_int(s, "log_json", 0) != 0,
	};
	if (log_configure(&l) != 0)
		log_write(LOG_LEVEL_WARNING, "log: cannot open %s, logging to standard error",
			l.destination == LOG_TO_FILE ? l.path : "syslog");
}

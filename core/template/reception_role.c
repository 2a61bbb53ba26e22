/* reception_role.c - turns a fresh process into a reception: settings, listeners, privileges; then reception_run(). */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <talloc.h>
#include <unistd.h>

#include "base/log.h"
#include "base/privilege.h"
#include "reception/reception.h"
#include "template/role.h"
#include "template/talk.h"

static unsigned collect_listeners(const struct settings_record *s, void *owner, struct reception_listener **out)
{
	const char *const *texts = talk_settings_list(s, "listener", owner);
	unsigned count = 0;
	while (texts && texts[count])
		count++;
	*out = talloc_zero_array(owner, struct reception_listener, count + 1);
	for (unsigned i = 0; i < count; i++) {
		int fd = ROLE_FD_LISTENERS + (int)i;
		/* [::1] on a host without IPv6 has none; its place stays, as settings are numbered by it. */
		(*out)[i] = (struct reception_listener){ .fd = fcntl(fd, F_GETFD) >= 0 ? fd : -1, .text = texts[i] };
	}
	return count;
}

int reception_role_run(const struct role_options *o)
{
	void *owner = talloc_new(NULL);
	struct reception_settings s = { .token_fd = ROLE_FD_TOKENS, .master_fd = ROLE_FD_MASTER, .ledger_fd = ROLE_FD_LEDGER };
	struct error e = { 0 };
	log_set_role("reception");
	prctl(PR_SET_DUMPABLE, 0);
	if (talk_receive_settings(ROLE_FD_MASTER, owner, &s.settings) != 0)
		return 1;
	role_configure_log(&s.settings, o);
	const char *user = settings_record_get(&s.settings, "daemon_user");
	if (user && privilege_drop(user, talk_settings_list(&s.settings, "daemon_groups", owner), &e) != 0) {
		talk_send_text(ROLE_FD_MASTER, RECORD_PROBLEM, e.text);
		return 78;
	}
	s.shared = shared_map(ROLE_FD_SHARED);
	if (!s.shared) {
		talk_send_text(ROLE_FD_MASTER, RECORD_PROBLEM, "reception: shared memory of another layout");
		return 1;
	}
	s.listener_count = collect_listeners(&s.settings, owner, &s.listeners);
	int code = reception_run(&s);
	talloc_free(owner);
	return code;
}

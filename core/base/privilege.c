/* privilege.c - finds the user to run as and becomes it for good. Run at start only: it reads the user database. */
#include "config.h"
#include "base/privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GROUPS_MAX 256

struct identity {
	char name[64];		/* of the user; "" for a number without an entry */
	uid_t uid;
	gid_t gid;
	gid_t groups[GROUPS_MAX];
	int group_count;
};

static bool parse_number(const char *text, unsigned long *out)
{
	char *end;
	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*out = strtoul(text, &end, 10);
	return *end == '\0' && errno == 0 && *out < (unsigned long)(uid_t)-1;
}

static int find_user(const char *user, struct identity *id, struct error *e)
{
	unsigned long number = 0;
	errno = 0;
	struct passwd *p = parse_number(user, &number) ? getpwuid((uid_t)number) : getpwnam(user);
	if (!p && errno != 0 && errno != ENOENT && errno != ESRCH)
		return error_set_errno(e, "look up user \"%s\"", user);
	if (!p)
		return error_set(e, ERROR_CONFIG, "there is no user \"%s\"; make it with: useradd --system --user-group "
			"--no-create-home --shell /usr/sbin/nologin %s", user, user);
	id->uid = p->pw_uid;
	id->gid = p->pw_gid;
	if (strlen(p->pw_name) < sizeof id->name)
		strcpy(id->name, p->pw_name);
	return 0;
}

static int find_group(const char *name, gid_t *gid, struct error *e)
{
	unsigned long number;
	if (parse_number(name, &number)) {
		*gid = (gid_t)number;
		return 0;
	}
	errno = 0;
	struct group *g = getgrnam(name);
	if (!g && errno != 0 && errno != ENOENT && errno != ESRCH)
		return error_set_errno(e, "look up group \"%s\"", name);
	if (!g)
		return error_set(e, ERROR_CONFIG, "there is no group \"%s\"; make it with: groupadd --system %s", name, name);
	*gid = g->gr_gid;
	return 0;
}

/* The groups of the configuration, the first one as the main one; else those of the user database. */
static int find_groups(const char *const *groups, struct identity *id, struct error *e)
{
	if (!groups || !groups[0]) {
		id->group_count = GROUPS_MAX;
		if (getgrouplist(id->name, id->gid, id->groups, &id->group_count) < 0)
			return error_set(e, ERROR_CONFIG, "user \"%s\" is in more than %d groups", id->name, GROUPS_MAX);
		return 0;
	}
	for (int i = 0; groups[i]; i++) {
		if (i == GROUPS_MAX)
			return error_set(e, ERROR_CONFIG, "more than %d groups", GROUPS_MAX);
		if (find_group(groups[i], &id->groups[i], e) != 0)
			return -1;
		id->group_count = i + 1;
	}
	id->gid = id->groups[0];
	return 0;
}

static int find_identity(const char *user, const char *const *groups, struct identity *id, struct error *e)
{
	memset(id, 0, sizeof *id);
	if (find_user(user, id, e) != 0)
		return -1;
	return find_groups(groups, id, e);
}

int privilege_find(const char *user, const char *const *groups, uid_t *uid, gid_t *gid, struct error *e)
{
	struct identity id;
	if (find_identity(user, groups, &id, e) != 0)
		return -1;
	*uid = id.uid;
	*gid = id.gid;
	return 0;
}

static int verify_gone(const struct identity *id, struct error *e)
{
	uid_t real, effective, saved;
	gid_t greal, geffective, gsaved;
	if (getresuid(&real, &effective, &saved) != 0 || getresgid(&greal, &geffective, &gsaved) != 0)
		return error_set_errno(e, "getresuid");
	bool good = real == id->uid && effective == id->uid && saved == id->uid;
	good = good && greal == id->gid && geffective == id->gid && gsaved == id->gid;
	if (!good || setuid(0) == 0 || seteuid(0) == 0)
		return error_set(e, ERROR_ENVIRONMENT, "root's rights could not be given up");
	return 0;
}

int privilege_drop(const char *user, const char *const *groups, struct error *e)
{
	struct identity id;
	if (geteuid() != 0)
		return 0;
	if (find_identity(user, groups, &id, e) != 0)
		return -1;
	if (id.uid == 0)
		return error_set(e, ERROR_CONFIG, "user \"%s\" is root; name an ordinary user", user);
	if (setgroups((size_t)id.group_count, id.groups) != 0)
		return error_set_errno(e, "setgroups for user \"%s\"", user);
	if (setresgid(id.gid, id.gid, id.gid) != 0)
		return error_set_errno(e, "setresgid %lu", (unsigned long)id.gid);
	if (setresuid(id.uid, id.uid, id.uid) != 0)
		return error_set_errno(e, "setresuid %lu", (unsigned long)id.uid);
	return verify_gone(&id, e);
}

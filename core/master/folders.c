/* folders.c - the folders and files that the settings name: made at the start of a generation, for the user who is to own them.
 *
 * The master alone may be root; what it makes it gives away, and it cleans up as
 * their owner. */
#include "master/master.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/log.h"
#include "base/privilege.h"
#include "opener/opener.h"
#include "template/talk.h"

uid_t master_user(const struct generation *g)
{
	uid_t uid = getuid();
	gid_t gid;
	const char *user = settings_record_get(&g->for_master, "daemon_user");
	if (uid != 0 || !user)
		return uid;
	return privilege_find(user, NULL, &uid, &gid, NULL) == 0 ? uid : 0;
}

/* Only a folder that we have just made is given away; links are not followed, as the folder above may be the daemon's. */
static int give_folder(const char *path, uid_t owner)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int rc = fd < 0 || fchown(fd, owner, (gid_t)-1) != 0 ? -1 : 0;
	if (fd >= 0)
		close(fd);
	return rc;
}

static int make_folder(const char *path, uid_t owner, char **problem)
{
	struct stat st;
	if (!path)
		return 0;
	char *above = g_path_get_dirname(path);
	int rc = g_mkdir_with_parents(above, 0755);
	g_free(above);
	bool made = rc == 0 && mkdir(path, 0750) == 0;
	if (made && getuid() == 0 && owner != 0)
		rc = give_folder(path, owner);
	if (rc != 0 || stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
		*problem = g_strdup_printf("%s: cannot make this folder: %s", path, g_strerror(errno));
		return -1;
	}
	if (getuid() == 0 && st.st_uid != owner && !(st.st_mode & (S_IWGRP | S_IWOTH)))
		log_write(LOG_LEVEL_WARNING, "%s belongs to another user than daemon_user and will not be writable: chown it", path);
	return 0;
}

static void warn_of_disk(const char *temp_base)
{
	struct statfs fs;
	if (temp_base && statfs(temp_base, &fs) == 0 && fs.f_type != TMPFS_MAGIC)
		log_write(LOG_LEVEL_WARNING, "TEMPBASE %s is not on a tmpfs: every mail will be written to a disk", temp_base);
}

static int open_ledger(struct master *m, const char *home, uid_t owner)
{
	char *path = g_strdup_printf("%s/ledger", home);
	ledger_file_load(m->shared, path);
	m->ledger_fd = ledger_file_open(path);
	if (m->ledger_fd >= 0 && getuid() == 0 && fchown(m->ledger_fd, owner, (gid_t)-1) != 0)
		log_write(LOG_LEVEL_WARNING, "%s: chown: %s", path, g_strerror(errno));
	if (m->ledger_fd < 0)
		log_write(LOG_LEVEL_WARNING, "%s: %s: the ledgers will not outlive this master", path, g_strerror(errno));
	g_free(path);
	return m->ledger_fd;
}

int master_prepare_folders(struct master *m, struct generation *g, char **problem)
{
	uid_t owner = master_user(g);
	const char *home = settings_record_get(&g->for_master, "MYHOME"), *temp = settings_record_get(&g->for_master, "TEMPBASE");
	role_configure_log(&g->for_master, m->options);
	if (make_folder(home, owner, problem) != 0 || make_folder(temp, owner, problem) != 0
	    || make_folder(settings_record_get(&g->for_master, "QUARANTINEDIR"), owner, problem) != 0)
		return -1;
	warn_of_disk(temp);
	g_free(m->temp_base);
	m->temp_base = g_strdup(temp);
	m->user = owner;
	if (m->ledger_fd < 0 && home)
		open_ledger(m, home, owner);
	if (m->control_fd < 0 && control_listen(m, settings_record_get(&g->for_master, "control_socket")) != 0) {
		*problem = g_strdup_printf("control_socket: %s: %s", settings_record_get(&g->for_master, "control_socket"), g_strerror(errno));
		return -1;
	}
	return 0;
}

/* As the user whose folders they are: a sweeper with root's powers would be a gift to whoever wrote into them. */
void master_sweep_work_area(const struct master *m)
{
	if (!m->temp_base || (getuid() == 0 && seteuid(m->user) != 0))
		return;
	scratch_sweep(m->temp_base);
	if (getuid() == 0 && seteuid(0) != 0)
		log_write(LOG_LEVEL_WARNING, "master: seteuid: %s", g_strerror(errno));
}

/* landlock.c - see landlock.h.
 *
 * Debian's header knows only the first version of the interface, so structs and
 * numbers stand here; what the running kernel knows is asked of it. */
#include "config.h"

#include "base/landlock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1

enum {
	FS_EXECUTE = 1 << 0, FS_WRITE_FILE = 1 << 1, FS_READ_FILE = 1 << 2, FS_READ_DIR = 1 << 3, FS_REMOVE_DIR = 1 << 4, FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_DIR = 1 << 7, FS_MAKE_REG = 1 << 8, FS_TRUNCATE = 1 << 14
};

struct ruleset_attributes {
	uint64_t fs, net, scoped;
};

struct path_beneath {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

/* All file rights of an ABI: 13 bits in the first, then one more in the second, third and fifth. */
static uint64_t handled_fs(int abi)
{
	unsigned bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi == 2 ? 14 : 13;
	return (1ull << bits) - 1;
}

static size_t attributes_size(int abi)
{
	if (abi >= 6)
		return sizeof(struct ruleset_attributes);
	return abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

static int make_ruleset(int abi)
{
	struct ruleset_attributes a = {
		.fs = handled_fs(abi),
		.net = 3,		/* bind and connect over TCP, handled and allowed nowhere */
		.scoped = 3,		/* abstract sockets and signals do not leave the jail */
	};
	return (int)syscall(SYS_landlock_create_ruleset, &a, attributes_size(abi), 0);
}

/* Rights that only folders have are refused by the kernel in a rule for a file. */
static uint64_t rights_of(const struct landlock_rule *r, int abi)
{
	struct stat st;
	bool folder = fstat(r->fd, &st) == 0 && S_ISDIR(st.st_mode);
	uint64_t fs = 0;
	if (r->rights & LANDLOCK_READ)
		fs |= FS_READ_FILE | (folder ? FS_READ_DIR : 0);
	if (r->rights & LANDLOCK_WRITE)
		fs |= FS_WRITE_FILE | FS_TRUNCATE;
	if (r->rights & LANDLOCK_MAKE && folder)
		fs |= FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG;
	if (r->rights & LANDLOCK_EXECUTE)
		fs |= FS_EXECUTE;
	return fs & handled_fs(abi);
}

static int allow(int ruleset, const struct landlock_rule *r, int abi)
{
	struct path_beneath p = { .allowed = rights_of(r, abi), .parent_fd = r->fd };
	if (r->fd < 0)
		return 0;
	return (int)syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &p, 0);
}

static int allow_all(int ruleset, const struct landlock_rule *rules, size_t count, int abi)
{
	for (size_t i = 0; i < count; i++)
		if (allow(ruleset, &rules[i], abi) != 0)
			return -1;
	return 0;
}

int landlock_abi(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
	return version < 1 ? 0 : (int)version;	/* ENOSYS or EOPNOTSUPP: this kernel has none */
}

int landlock_restrict(const struct landlock_rule *rules, size_t count, int *abi, struct error *e)
{
	int version = landlock_abi();
	*abi = 0;
	if (version == 0)
		return 0;
	int ruleset = make_ruleset(version);
	if (ruleset < 0)
		return error_set_errno(e, "landlock ruleset");
	if (allow_all(ruleset, rules, count, version) != 0 || syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
		error_set_errno(e, "landlock");
		close(ruleset);
		return -1;
	}
	close(ruleset);
	*abi = version;
	return 0;
}

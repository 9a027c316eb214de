/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: seccomp(2) by libseccomp and Landlock by bare system calls, which
 * glibc does not wrap. Lists are tables: one per SANDBOX_ bit.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/sandbox.h"

#include "base/poison.h"

/* Newer than the headers of Debian 12. */
#define ACCESS_TRUNCATE (UINT64_C(1) << 14)

#define READ_ACCESS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_ACCESS                                                           \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |       \
		LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | \
		LANDLOCK_ACCESS_FS_MAKE_REG | ACCESS_REFER | ACCESS_TRUNCATE)
#define ACCESS_REFER LANDLOCK_ACCESS_FS_REFER
#define ABI_1_ACCESS ((UINT64_C(1) << 13) - 1)
/* What a rule on a plain file may name. */
#define FILE_ACCESS                                                            \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |        \
		LANDLOCK_ACCESS_FS_EXECUTE | ACCESS_TRUNCATE)

#define CALL(name) SCMP_SYS(name)
#define END (-1000000)
#define WORD UINT32_MAX /* the mask of an int argument */
#define LONG UINT64_MAX

/*
 * No socketpair: an end of a datagram pair sends to any unix socket of the
 * machine, and Landlock does not stop it.
 */
static const int base_calls[] = { CALL(read), CALL(readv), CALL(pread64),
	CALL(preadv), CALL(write), CALL(writev), CALL(pwrite64), CALL(pwritev),
	CALL(close), CALL(close_range), CALL(lseek), CALL(fstat),
	CALL(newfstatat), CALL(munmap), CALL(mremap), CALL(brk), CALL(madvise),
	CALL(msync), CALL(membarrier), CALL(mlock), CALL(munlock), CALL(futex),
	CALL(set_robust_list), CALL(rseq), CALL(sched_yield),
	CALL(sched_getaffinity), CALL(getcpu), CALL(rt_sigaction),
	CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(rt_sigtimedwait),
	CALL(sigaltstack), CALL(restart_syscall), CALL(clock_gettime),
	CALL(clock_getres), CALL(clock_nanosleep), CALL(nanosleep),
	CALL(gettimeofday), CALL(time), CALL(times), CALL(getrandom),
	CALL(getpid), CALL(gettid), CALL(getppid), CALL(getuid), CALL(geteuid),
	CALL(getgid), CALL(getegid), CALL(getrusage), CALL(uname),
	CALL(sysinfo), CALL(umask), CALL(poll), CALL(ppoll), CALL(select),
	CALL(pselect6), CALL(epoll_create1), CALL(epoll_ctl), CALL(epoll_wait),
	CALL(epoll_pwait), CALL(epoll_pwait2), CALL(eventfd2),
	CALL(timerfd_create), CALL(timerfd_settime), CALL(signalfd4),
	CALL(pipe2), CALL(pipe), CALL(dup), CALL(dup2), CALL(dup3), CALL(exit),
	CALL(exit_group), END };

static const int socket_calls[] = { CALL(accept), CALL(accept4), CALL(recvfrom),
	CALL(recvmsg), CALL(recvmmsg), CALL(sendto), CALL(sendmsg),
	CALL(sendmmsg), CALL(shutdown), CALL(getsockname), CALL(getpeername),
	CALL(getsockopt), CALL(setsockopt), END };

static const int connect_calls[] = { CALL(connect), CALL(bind), END };

static const int read_calls[] = { CALL(stat), CALL(lstat), CALL(statx),
	CALL(statfs), CALL(fstatfs), CALL(access), CALL(faccessat),
	CALL(faccessat2), CALL(readlink), CALL(readlinkat), CALL(getdents64),
	CALL(getcwd), CALL(fadvise64), CALL(flock), END };

static const int write_calls[] = { CALL(open), CALL(openat), CALL(creat),
	CALL(mkdir), CALL(mkdirat), CALL(rmdir), CALL(unlink), CALL(unlinkat),
	CALL(rename), CALL(renameat), CALL(renameat2), CALL(link), CALL(linkat),
	CALL(fsync), CALL(fdatasync), CALL(sync_file_range), CALL(ftruncate),
	CALL(truncate), CALL(fallocate), CALL(chmod), CALL(fchmod),
	CALL(fchmodat), CALL(fchown), CALL(utimensat), END };

static const int fork_calls[] = { CALL(clone), CALL(fork), CALL(vfork),
	CALL(execve), CALL(execveat), CALL(wait4), CALL(waitid), CALL(kill),
	CALL(tgkill), CALL(fcntl), CALL(prctl), CALL(arch_prctl), CALL(seccomp),
	CALL(mmap), CALL(mprotect), CALL(prlimit64), CALL(setrlimit),
	CALL(getrlimit), CALL(set_tid_address), CALL(ioctl),
	CALL(landlock_create_ruleset), CALL(landlock_add_rule),
	CALL(landlock_restrict_self), CALL(chdir), CALL(setpgid), CALL(setsid),
	CALL(open), CALL(openat), CALL(access), CALL(readlink),
	CALL(socketpair), END };

static const char *reached = "none";

const char *sandbox_state(void)
{
	return reached;
}

/* ---- seccomp */

static int allow_list(scmp_filter_ctx f, const int *calls)
{
	int rc = 0;

	for (; rc == 0 && *calls != END; calls++)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, *calls, 0);
	return rc;
}

/* Allowed when (argument number arg & mask) == value. */
static int allow_if(scmp_filter_ctx f, int call, unsigned arg,
	scmp_datum_t mask, scmp_datum_t value)
{
	const struct scmp_arg_cmp cmp = { arg, SCMP_CMP_MASKED_EQ, mask,
		value };

	return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, call, 1, &cmp);
}

/*
 * Whoever may not start processes sends no signals but to himself: neither
 * right away nor by F_SETOWN and F_SETSIG, which have the kernel send any.
 */
static int allow_own_signals(scmp_filter_ctx f)
{
	static const struct {
		scmp_datum_t mask, command;
	} commands[] = { { WORD & ~7u, F_DUPFD }, { WORD & ~3u, F_OFD_GETLK },
		{ WORD & ~15u, F_SETLEASE } };
	int rc = allow_if(f, CALL(tgkill), 0, WORD, (scmp_datum_t)getpid());

	for (size_t i = 0; rc == 0 && i < sizeof(commands) / sizeof(*commands);
		i++)
		rc = allow_if(f, CALL(fcntl), 1, commands[i].mask,
			commands[i].command);
	return rc;
}

/* Calls that are fine or not according to an argument. */
static int allow_narrow(scmp_filter_ctx f)
{
	static const scmp_datum_t ioctls[] = { FIONBIO, FIONREAD, TCGETS };
	static const scmp_datum_t prctls[] = { PR_SET_NAME, PR_SET_VMA,
		PR_SET_PDEATHSIG, PR_SET_DUMPABLE };
	int rc = allow_if(f, CALL(mmap), 2, PROT_EXEC, 0);

	if (rc == 0)
		rc = allow_if(f, CALL(mprotect), 2, PROT_EXEC, 0);
	if (rc == 0)
		rc = allow_if(f, CALL(clone), 0, CLONE_THREAD, CLONE_THREAD);
	if (rc == 0) /* limits may be read, not set */
		rc = allow_if(f, CALL(prlimit64), 2, LONG, 0);
	for (size_t i = 0; rc == 0 && i < sizeof(ioctls) / sizeof(*ioctls); i++)
		rc = allow_if(f, CALL(ioctl), 1, WORD, ioctls[i]);
	for (size_t i = 0; rc == 0 && i < sizeof(prctls) / sizeof(*prctls); i++)
		rc = allow_if(f, CALL(prctl), 0, WORD, prctls[i]);
	return rc == 0 ? allow_own_signals(f) : rc;
}

static int allow_sockets(scmp_filter_ctx f, unsigned allow)
{
	static const scmp_datum_t families[] = { AF_INET, AF_INET6,
		AF_NETLINK };
	int rc = allow_list(f, socket_calls);

	if ((allow & (SANDBOX_NET_OUT | SANDBOX_UNIX_OUT)) == 0)
		return rc;
	if (rc == 0)
		rc = allow_list(f, connect_calls);
	if (rc == 0)
		rc = allow_if(f, CALL(socket), 0, WORD, AF_UNIX);
	if (rc == 0) /* libcurl wakes itself up with a pair */
		rc = allow_if(f, CALL(socketpair), 0, WORD, AF_UNIX);
	if ((allow & SANDBOX_NET_OUT) == 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < sizeof(families) / sizeof(*families);
		i++)
		rc = allow_if(f, CALL(socket), 0, WORD, families[i]);
	return rc;
}

static int allow_reading(scmp_filter_ctx f)
{
	const scmp_datum_t writing = O_ACCMODE | O_CREAT | O_TRUNC;
	int rc = allow_list(f, read_calls);

	if (rc == 0)
		rc = allow_if(f, CALL(open), 1, writing, 0);
	if (rc == 0)
		rc = allow_if(f, CALL(openat), 2, writing, 0);
	return rc;
}

#define COPY_FLAGS (CLONE_PARENT | SIGCHLD)

static int allow_copying(scmp_filter_ctx f)
{
	int rc = allow_if(f, CALL(clone), 0, LONG, COPY_FLAGS);

	if (rc == 0)
		rc = allow_if(
			f, CALL(seccomp), 0, WORD, SECCOMP_SET_MODE_FILTER);
	return rc;
}

/*
 * glibc asks clone3 first, whose flags a filter cannot see; "no such call"
 * makes it take clone.
 */
static int fill(scmp_filter_ctx f, unsigned allow)
{
	int rc = allow_list(f, base_calls);

	if (rc == 0)
		rc = seccomp_rule_add(
			f, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0);
	if (rc == 0 && (allow & SANDBOX_FORK) != 0)
		rc = allow_list(f, fork_calls);
	if (rc == 0 && (allow & SANDBOX_FORK) == 0)
		rc = allow_narrow(f);
	if (rc == 0 && (allow & SANDBOX_COPY) != 0)
		rc = allow_copying(f);
	if (rc == 0 && (allow & (SANDBOX_NET_IN | SANDBOX_NET_OUT |
					SANDBOX_UNIX_OUT)) != 0)
		rc = allow_sockets(f, allow);
	if (rc == 0 && (allow & (SANDBOX_READ | SANDBOX_WRITE)) != 0)
		rc = allow_reading(f);
	if (rc == 0 && (allow & SANDBOX_WRITE) != 0)
		rc = allow_list(f, write_calls);
	return rc;
}

/*
 * What a copy enters besides, made ready here: it takes copying away, signals
 * to the process it is a copy of, and to outlive its parent.
 */
static struct sock_filter copy_code[64];
static struct sock_fprog copy_filter = { .filter = copy_code };

static int forbid_copying(scmp_filter_ctx f)
{
	const struct scmp_arg_cmp no_thread = { 0, SCMP_CMP_MASKED_EQ,
		CLONE_THREAD, 0 };
	const struct scmp_arg_cmp on_death = { 0, SCMP_CMP_MASKED_EQ, WORD,
		PR_SET_PDEATHSIG };
	int rc = seccomp_rule_add_array(
		f, SCMP_ACT_KILL_PROCESS, CALL(clone), 1, &no_thread);

	if (rc == 0)
		rc = seccomp_rule_add_array(
			f, SCMP_ACT_KILL_PROCESS, CALL(prctl), 1, &on_death);
	if (rc == 0)
		rc = seccomp_rule_add(
			f, SCMP_ACT_KILL_PROCESS, CALL(tgkill), 0);
	if (rc == 0)
		rc = seccomp_rule_add(
			f, SCMP_ACT_KILL_PROCESS, CALL(seccomp), 0);
	return rc;
}

/* Through a pipe: libseccomp writes filters to descriptors only. */
static int export_filter(scmp_filter_ctx f, struct sock_fprog *out, size_t cap)
{
	int ends[2], rc;
	ssize_t n = -1;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	rc = seccomp_export_bpf(f, ends[1]);
	if (rc == 0)
		n = read(ends[0], out->filter, cap);
	(void)close(ends[0]);
	(void)close(ends[1]);
	if (rc == 0 && (n <= 0 || (size_t)n == cap))
		rc = -E2BIG;
	out->len = (unsigned short)(rc == 0 ? (size_t)n / sizeof(*copy_code)
					    : 0);
	return rc;
}

static enum status prepare_copy(struct err *e)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int rc = f == NULL ? -ENOMEM : forbid_copying(f);

	if (rc == 0)
		rc = export_filter(f, &copy_filter, sizeof(copy_code));
	if (f != NULL)
		seccomp_release(f);
	return rc < 0 ? err_sys(e, ST_PERM, -rc, "seccomp") : ST_OK;
}

pid_t sandbox_copy(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, COPY_FLAGS, 0, 0, 0, 0);

	if (pid == 0)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pid == 0 && !MOAT_SANITIZED &&
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0,
			&copy_filter) != 0)
		_exit(EXIT_FAILURE);
	return pid;
}

static enum status enter_seccomp(unsigned allow, struct err *e)
{
	const uint32_t otherwise = MOAT_SANITIZED ? SCMP_ACT_LOG
						  : SCMP_ACT_KILL_PROCESS;
	scmp_filter_ctx f = seccomp_init(otherwise);
	int rc = f == NULL ? -ENOMEM : 0;

	if (rc == 0)
		rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc == 0)
		rc = fill(f, allow);
	if (rc == 0)
		rc = seccomp_load(f);
	if (f != NULL)
		seccomp_release(f);
	if (rc < 0)
		return err_sys(e, ST_PERM, -rc, "seccomp");
	return ST_OK;
}

/* ---- Landlock */

static uint64_t handled_access(int abi)
{
	uint64_t access = ABI_1_ACCESS;

	if (abi >= 2)
		access |= ACCESS_REFER;
	if (abi >= 3)
		access |= ACCESS_TRUNCATE;
	return access;
}

static int add_paths(int rules, const char *const *paths, uint64_t access)
{
	struct landlock_path_beneath_attr rule;
	int rc = 0, folder;

	for (; paths != NULL && *paths != NULL && rc == 0; paths++) {
		rule = (struct landlock_path_beneath_attr){
			.parent_fd = open(*paths, O_PATH | O_CLOEXEC),
			.allowed_access = access,
		};
		if (rule.parent_fd < 0)
			continue; /* what is not there needs no leave */
		folder = open(*paths, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (folder < 0)
			rule.allowed_access &= FILE_ACCESS;
		else
			(void)close(folder);
		if (syscall(SYS_landlock_add_rule, rules,
			    LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
			rc = errno;
		(void)close(rule.parent_fd);
	}
	return rc;
}

/* true when the kernel confined us; false where it cannot. */
static bool enter_landlock(const struct sandbox *s)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
		LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr = {};
	uint64_t run = 0;
	bool done = false;
	int rules;

	if (abi < 1)
		return false;
	attr.handled_access_fs = handled_access((int)abi);
	rules = (int)syscall(
		SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (rules < 0)
		return false;
	if ((s->allow & SANDBOX_FORK) != 0)
		run = LANDLOCK_ACCESS_FS_EXECUTE;
	if (add_paths(rules, s->read,
		    (READ_ACCESS | run) & attr.handled_access_fs) == 0 &&
		add_paths(rules, s->write,
			(READ_ACCESS | WRITE_ACCESS) &
				attr.handled_access_fs) == 0)
		done = syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	(void)close(rules);
	return done;
}

enum status sandbox_enter(const struct sandbox *s, struct err *e)
{
	enum status st = ST_OK;
	bool landlock = false;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, ST_PERM, errno, "no_new_privs");
	if (!MOAT_SANITIZED)
		landlock = enter_landlock(s);
	if ((s->allow & SANDBOX_COPY) != 0)
		st = prepare_copy(e);
	if (st == ST_OK)
		st = enter_seccomp(s->allow, e);
	if (st != ST_OK)
		return st;
	reached = MOAT_SANITIZED ? "log only"
		  : landlock	 ? "seccomp landlock"
				 : "seccomp";
	return ST_OK;
}

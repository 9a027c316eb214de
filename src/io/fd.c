/* SPDX-License-Identifier: Apache-2.0 */
/* fd: file descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/fd.h"

#include "base/bug.h"

#include "base/poison.h"

void fd_close(int *fd)
{
	int saved = errno;

	if (*fd < 0)
		return;
	BUG(close(*fd) != 0 && errno == EBADF);
	*fd = -1;
	errno = saved;
}

enum status fd_nonblocking(int fd, struct err *e)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return err_sys(e, ST_TEMP, errno, "descriptor %d", fd);
	return ST_OK;
}

enum status fd_cloexec(int fd, struct err *e)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) != 0)
		return err_sys(e, ST_TEMP, errno, "descriptor %d", fd);
	return ST_OK;
}

unsigned long fd_limit_raise(void)
{
	struct rlimit rl;

	BUG(getrlimit(RLIMIT_NOFILE, &rl) != 0);
	if (rl.rlim_cur < rl.rlim_max) {
		struct rlimit up = { rl.rlim_max, rl.rlim_max };

		if (setrlimit(RLIMIT_NOFILE, &up) == 0)
			rl = up;
	}
	return rl.rlim_cur;
}

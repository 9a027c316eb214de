/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_echo: the limit for a socketmap server: it finds where requests end
 * and replies the same each time, without a look at them.
 *
 *     policy_echo PORT PATH
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/bug.h"
#include "base/mem.h"
#include "base/num.h"
#include "io/fd.h"
#include "proto/netstring.h"

#include "base/poison.h"

#define IN_BYTES 16384u
#define REPLY                                                                  \
	"85:OK secure match=mx1.example.com:mx2.example.com:"                  \
	".mail.example.net servername=hostname,"
#define OUT_BYTES (IN_BYTES / 4 * sizeof(REPLY))
#define EVENTS 256

struct client {
	int fd;
	size_t n_in;
	char in[IN_BYTES];
};

static char out[OUT_BYTES];

static void client_close(struct client *c)
{
	fd_close(&c->fd);
	mem_free(c);
}

static void on_ready(struct client *c)
{
	struct str in, content;
	size_t n_out = 0, used;
	ssize_t n = recv(c->fd, c->in + c->n_in, IN_BYTES - c->n_in, 0);

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			client_close(c);
		return;
	}
	in = (struct str){ c->in, c->n_in + (size_t)n };
	while (netstring_parse(in, IN_BYTES, &content, &used) == ST_OK) {
		memcpy(out + n_out, REPLY, sizeof(REPLY) - 1);
		n_out += sizeof(REPLY) - 1;
		in = str_from(in, used);
	}
	memmove(c->in, in.p, in.n);
	c->n_in = in.n;
	if (send(c->fd, out, n_out, MSG_NOSIGNAL) != (ssize_t)n_out)
		client_close(c);
}

static void take_clients(int epoll, int listener)
{
	int fd, one = 1;

	while ((fd = accept4(listener, NULL, NULL,
			SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct client *c = mem_must(sizeof(*c));
		struct epoll_event ev = { EPOLLIN, { .ptr = c } };

		/* a unix socket refuses, and needs not */
		(void)setsockopt(
			fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c->fd = fd;
		BUG(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) != 0);
	}
}

static int listen_on(const void *to, socklen_t n)
{
	const struct sockaddr *addr = to;
	int fd = socket(
		addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	BUG(fd < 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	BUG(bind(fd, addr, n) != 0);
	BUG(listen(fd, 1024) != 0);
	return fd;
}

static int listen_on_port(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return listen_on(&to, sizeof(to));
}

static int listen_on_path(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	BUG(strlen(path) >= sizeof(to.sun_path));
	memcpy(to.sun_path, path, strlen(path));
	return listen_on(&to, sizeof(to));
}

static void take_all_clients(int epoll, const int listeners[2])
{
	take_clients(epoll, listeners[0]);
	take_clients(epoll, listeners[1]);
}

int main(int argc, char **argv)
{
	struct epoll_event ev = { .events = EPOLLIN }, ready[EVENTS];
	int epoll = epoll_create1(EPOLL_CLOEXEC), listeners[2];
	uint32_t port;

	if (argc != 3 ||
		num_u32(str_of(argv[1]), 1, UINT16_MAX, &port) != ST_OK) {
		(void)fprintf(stderr, "usage: policy_echo PORT PATH\n");
		return 64;
	}
	listeners[0] = listen_on_port((uint16_t)port);
	listeners[1] = listen_on_path(argv[2]);
	for (int i = 0; i < 2; i++)
		BUG(epoll_ctl(epoll, EPOLL_CTL_ADD, listeners[i], &ev) != 0);
	for (;;) {
		int n = epoll_wait(epoll, ready, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (ready[i].data.ptr == NULL)
				take_all_clients(epoll, listeners);
			else
				on_ready(ready[i].data.ptr);
		}
	}
}

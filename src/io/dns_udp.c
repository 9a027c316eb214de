/* SPDX-License-Identifier: Apache-2.0 */
/* dns_udp: batches of datagrams through the handler. */
#include <errno.h>
#include <netinet/in.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "io/dns_udp.h"
#include "io/fd.h"

#include "base/poison.h"

/* A request longer than that is none of ours; the kernel marks it cut. */
#define REQUEST_MAX 1232

/* Room for one control message, where the datagram went to. */
#define CONTROL_BYTES CMSG_SPACE(sizeof(struct in6_pktinfo))

struct slot {
	struct sockaddr_storage peer;
	alignas(struct cmsghdr) unsigned char control[CONTROL_BYTES];
	struct iovec in, out;
	unsigned char request[REQUEST_MAX];
	unsigned char answer[DNS_UDP_MAX];
};

struct dns_udp {
	struct loop_io io;
	int fd;
	bool wildcard;
	struct dns_udp_options opt;
	struct arena *arena;
	struct dns_request request; /* scratch */
	struct mmsghdr in[DNS_UDP_BATCH], out[DNS_UDP_BATCH];
	struct slot slots[DNS_UDP_BATCH];
};

static void prepare(struct dns_udp *u)
{
	for (size_t i = 0; i < DNS_UDP_BATCH; i++) {
		struct slot *s = &u->slots[i];
		struct msghdr *h = &u->in[i].msg_hdr;

		s->in = (struct iovec){ s->request, sizeof(s->request) };
		h->msg_iov = &s->in;
		h->msg_iovlen = 1;
		h->msg_name = &s->peer;
		u->out[i].msg_hdr.msg_iovlen = 1;
	}
}

/* What the kernel overwrote in the headers. */
static void rearm(struct dns_udp *u, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct msghdr *h = &u->in[i].msg_hdr;

		h->msg_namelen = sizeof(u->slots[i].peer);
		h->msg_control = u->wildcard ? &u->slots[i].control : NULL;
		h->msg_controllen = u->wildcard ? sizeof(u->slots[i].control)
						: 0;
		h->msg_flags = 0;
	}
}

/* false for what no answer can go to. */
static bool peer_of(const struct slot *s, struct ip_addr *out)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&s->peer;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&s->peer;
	uint8_t b[4];

	if (s->peer.ss_family == AF_INET) {
		memcpy(b, &v4->sin_addr, sizeof(b));
		*out = ip_addr_v4(b);
		return v4->sin_port != 0;
	}
	memcpy(out->b, &v6->sin6_addr, sizeof(out->b));
	return s->peer.ss_family == AF_INET6 && v6->sin6_port != 0;
}

/* The answer's source is the request's destination, on any interface. */
static void turn_control(struct msghdr *h)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(h);
	struct in_pktinfo v4;
	struct in6_pktinfo v6;

	if (c != NULL && c->cmsg_level == IPPROTO_IP &&
		c->cmsg_type == IP_PKTINFO) {
		memcpy(&v4, CMSG_DATA(c), sizeof(v4));
		v4.ipi_spec_dst = v4.ipi_addr;
		v4.ipi_ifindex = 0;
		memcpy(CMSG_DATA(c), &v4, sizeof(v4));
	} else if (c != NULL && c->cmsg_level == IPPROTO_IPV6 &&
		   c->cmsg_type == IPV6_PKTINFO) {
		memcpy(&v6, CMSG_DATA(c), sizeof(v6));
		if (!IN6_IS_ADDR_LINKLOCAL(&v6.ipi6_addr))
			v6.ipi6_ifindex = 0;
		memcpy(CMSG_DATA(c), &v6, sizeof(v6));
	} else {
		h->msg_control = NULL;
		h->msg_controllen = 0;
	}
}

static bool is_exempt(const struct dns_udp *u, const struct ip_addr *peer)
{
	for (size_t i = 0; i < u->opt.n_rrl_exempt; i++)
		if (ip_net_has(&u->opt.rrl_exempt[i], peer))
			return true;
	return false;
}

/* The size of what may be sent of an answer of n bytes; 0: nothing. */
static size_t limit(struct dns_udp *u, struct slot *s, struct str msg,
	const struct ip_addr *peer, const struct dns_result *r, struct mono now)
{
	if (u->opt.rrl == NULL || is_exempt(u, peer))
		return r->n;
	switch (dns_rrl_check(u->opt.rrl, peer, r->answer, now)) {
	case DNS_RRL_SEND:
		return r->n;
	case DNS_RRL_SLIP:
		return dns_handle_slip(msg, s->answer);
	case DNS_RRL_DROP:
		break;
	}
	return 0;
}

static size_t answer_one(struct dns_udp *u, struct slot *s, size_t n,
	struct mono now, uint64_t utc)
{
	const struct str msg = { (const char *)s->request, n };
	struct dns_result r;
	struct ip_addr peer;

	if (!peer_of(s, &peer))
		return 0;
	arena_reset(u->arena);
	dns_handle(u->opt.handler, u->arena, DNS_UDP, &peer, utc, msg,
		s->answer, &u->request, &r);
	if (r.kind != DNS_RESULT_ANSWER)
		return 0;
	return limit(u, s, msg, &peer, &r, now);
}

/* Builds the answers to n requests; gives the number there are. */
static unsigned answer_all(struct dns_udp *u, size_t n)
{
	const struct mono now = clock_mono(u->opt.clock);
	const uint64_t utc = (uint64_t)clock_now(u->opt.clock).s;
	unsigned out = 0;

	for (size_t i = 0; i < n; i++) {
		struct msghdr *h = &u->in[i].msg_hdr;
		struct msghdr *to = &u->out[out].msg_hdr;
		struct slot *s = &u->slots[i];
		size_t bytes;

		if ((h->msg_flags & MSG_TRUNC) != 0)
			continue;
		bytes = answer_one(u, s, u->in[i].msg_len, now, utc);
		if (bytes == 0)
			continue;
		if (h->msg_controllen > 0)
			turn_control(h);
		s->out = (struct iovec){ s->answer, bytes };
		to->msg_iov = &s->out;
		to->msg_name = &s->peer;
		to->msg_namelen = h->msg_namelen;
		to->msg_control = h->msg_control;
		to->msg_controllen = h->msg_controllen;
		out++;
	}
	return out;
}

static void send_all(struct dns_udp *u, unsigned n)
{
	unsigned done = 0;

	while (done < n) {
		int sent = sendmmsg(u->fd, u->out + done, n - done, 0);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS))
			return;
		/* An error is that of the first message: skip it. */
		done += sent > 0 ? (unsigned)sent : 1;
	}
}

static void on_readable(void *ctx, unsigned ready)
{
	struct dns_udp *u = ctx;

	(void)ready;
	for (int i = 0; i < DNS_UDP_BATCHES_PER_TURN; i++) {
		int n;

		rearm(u, DNS_UDP_BATCH);
		n = recvmmsg(u->fd, u->in, DNS_UDP_BATCH, MSG_DONTWAIT, NULL);
		if (n <= 0)
			return;
		send_all(u, answer_all(u, (size_t)n));
		if (n < DNS_UDP_BATCH)
			return;
	}
}

/* On a wildcard socket the kernel is to tell each datagram's destination. */
static enum status find_out(struct dns_udp *u, struct err *e)
{
	struct sockaddr_storage ss = {};
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&ss;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&ss;
	socklen_t len = sizeof(ss), tlen = sizeof(int);
	int type = 0, on = 1, rc = 0;

	if (getsockopt(u->fd, SOL_SOCKET, SO_TYPE, &type, &tlen) < 0 ||
		getsockname(u->fd, (struct sockaddr *)&ss, &len) < 0 ||
		type != SOCK_DGRAM)
		return err_set(e, ST_PERM, "dns: not a UDP socket");
	if (ss.ss_family == AF_INET) {
		u->wildcard = v4->sin_addr.s_addr == htonl(INADDR_ANY);
		if (u->wildcard)
			rc = setsockopt(
				u->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	} else {
		u->wildcard = IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
		if (u->wildcard)
			rc = setsockopt(u->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO,
				&on, sizeof(on));
	}
	if (rc < 0)
		return err_sys(e, ST_PERM, errno, "dns: IP_PKTINFO");
	return ST_OK;
}

enum status dns_udp_new(struct loop *l, int fd,
	const struct dns_udp_options *options, struct dns_udp **out,
	struct err *e)
{
	struct dns_udp *u = mem_must(sizeof(*u));
	enum status st;

	*u = (struct dns_udp){ .fd = fd, .opt = *options };
	st = find_out(u, e);
	if (st != ST_OK)
		goto out;
	u->arena = arena_must(0);
	prepare(u);
	loop_io_start(&u->io, l, fd, LOOP_READ, on_readable, u);
	*out = u;
	u = NULL;
out:
	dns_udp_free(&u);
	return st;
}

void dns_udp_free(struct dns_udp **u)
{
	if (*u == NULL)
		return;
	loop_io_stop(&(*u)->io);
	fd_close(&(*u)->fd);
	arena_free(&(*u)->arena);
	mem_free(*u);
	*u = NULL;
}

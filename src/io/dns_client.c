/* SPDX-License-Identifier: Apache-2.0 */
/* dns_client: RFC 1035 messages out and in; EDNS 1232 as DNS flag day 2020. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/vec.h"
#include "io/addr.h"
#include "io/channel.h"
#include "io/crypto.h"
#include "io/dns_client.h"
#include "io/fd.h"

#include "base/poison.h"

#define UDP_BYTES_MAX 1232
#define QUERY_BYTES_MAX 512
#define TRIES 3
#define TRY_MS 1500
#define FLAG_QR 0x8000u
#define FLAG_AA 0x0400u
#define FLAG_TC 0x0200u
#define FLAG_RD 0x0100u

struct records {
	struct dns_record *items;
	size_t n, cap;
};

static struct str write_query(void *p, size_t cap, uint16_t id,
	const struct dns_name *name, uint16_t type, bool recursion)
{
	struct wire_out w = wire_out_of(p, cap);

	wire_put_u16(&w, id);
	wire_put_u16(&w, recursion ? FLAG_RD : 0);
	wire_put_u16(&w, 1);
	wire_put_u16(&w, 0);
	wire_put_u16(&w, 0);
	wire_put_u16(&w, 1);
	wire_put_bytes(&w, dns_name_wire(name));
	wire_put_u16(&w, type);
	wire_put_u16(&w, DNS_CLASS_IN);
	/* OPT (RFC 6891): root, type, our size, no flags, no data */
	wire_put_u8(&w, 0);
	wire_put_u16(&w, DNS_TYPE_OPT);
	wire_put_u16(&w, UDP_BYTES_MAX);
	wire_put_u32(&w, 0);
	wire_put_u16(&w, 0);
	return wire_out_str(&w);
}

/* The number of octets in front of a name inside rdata; -1: no name there. */
static int name_offset(uint16_t type)
{
	switch (type) {
	case DNS_TYPE_NS:
	case DNS_TYPE_CNAME:
	case DNS_TYPE_PTR:
	case DNS_TYPE_SOA:
		return 0;
	case DNS_TYPE_MX:
		return 2;
	default:
		return -1;
	}
}

/* rdata with its names written out, as the readers of dns_rr.h want it. */
static struct str read_rdata(
	struct arena *a, struct wire_in *in, uint16_t type, size_t n)
{
	size_t end = in->at + n;
	unsigned char *p = arena_alloc(a, n + 2 * DNS_NAME_MAX);
	struct wire_out w = wire_out_of(p, n + 2 * DNS_NAME_MAX);
	int offset = name_offset(type);

	if (p == NULL || wire_left(in) < n) {
		in->failed = true;
		return (struct str){};
	}
	if (offset >= 0) {
		struct dns_name name;

		wire_put_bytes(&w, wire_bytes(in, (size_t)offset));
		for (int i = 0; i < (type == DNS_TYPE_SOA ? 2 : 1); i++) {
			name = dns_name_read(in);
			wire_put_bytes(&w, dns_name_wire(&name));
		}
		if (in->at > end)
			in->failed = true;
	}
	if (!in->failed)
		wire_put_bytes(&w, wire_bytes(in, end - in->at));
	if (w.failed)
		in->failed = true;
	return wire_out_str(&w);
}

static void read_section(struct arena *a, struct wire_in *in, unsigned count,
	struct records *out)
{
	for (unsigned i = 0; i < count && !in->failed; i++) {
		struct dns_record r = { .owner = dns_name_read(in) };
		uint16_t class, n;

		r.type = wire_u16(in);
		class = wire_u16(in);
		r.ttl = wire_u32(in);
		n = wire_u16(in);
		r.rdata = read_rdata(a, in, r.type, n);
		if (in->failed || class != DNS_CLASS_IN)
			continue;
		if (out->n == DNS_CLIENT_RECORDS_MAX || !VEC_PUSH(a, out, r))
			in->failed = true;
	}
}

enum status dns_result_parse(struct arena *a, struct str message, uint16_t id,
	const struct dns_name *name, uint16_t type, struct dns_result *out,
	bool *cut, struct err *e)
{
	struct wire_in in = wire_in_of(message);
	struct records answer = {};
	uint16_t got_id = wire_u16(&in), flags = wire_u16(&in);
	uint16_t questions = wire_u16(&in), answers = wire_u16(&in);
	struct dns_name asked;

	(void)wire_u32(&in); /* what comes after the answer is not read */
	if (in.failed || got_id != id || (flags & FLAG_QR) == 0 ||
		questions != 1)
		return err_set(e, ST_INVALID, "not a reply to the question");
	asked = dns_name_read(&in);
	if (wire_u16(&in) != type || wire_u16(&in) != DNS_CLASS_IN ||
		in.failed || !dns_name_eq(&asked, name))
		return err_set(e, ST_INVALID, "a reply to another question");
	*cut = (flags & FLAG_TC) != 0;
	if (!*cut)
		read_section(a, &in, answers, &answer);
	if (in.failed)
		return err_set(e, ST_INVALID, "a malformed reply");
	*out = (struct dns_result){ .rcode = flags & 15,
		.authoritative = (flags & FLAG_AA) != 0,
		.answer = answer.items,
		.n_answer = answer.n };
	return ST_OK;
}

static int connect_to(const struct addr *server, int type, struct mono deadline)
{
	int fd = socket(
		server->ss.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int why = 0;
	socklen_t n = sizeof(why);

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&server->ss, server->len) == 0)
		return fd;
	if (errno == EINPROGRESS &&
		poll(&p, 1, channel_left_ms(deadline)) > 0 &&
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &n) == 0 && why == 0)
		return fd;
	fd_close(&fd);
	return -1;
}

static bool readable(int fd, struct mono deadline)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, channel_left_ms(deadline)) > 0;
}

/* One try; what is no reply to our question is passed over. */
static enum status ask_udp(const struct addr *server, struct str query,
	uint16_t id, const struct dns_name *name, uint16_t type,
	struct mono deadline, struct arena *a, struct dns_result *out,
	bool *cut, struct err *e)
{
	int fd = connect_to(server, SOCK_DGRAM, deadline);
	enum status st = err_set(e, ST_TEMP, "no reply in time");
	char *p = arena_alloc(a, UDP_BYTES_MAX);
	ssize_t n;

	if (fd < 0 || p == NULL || send(fd, query.p, query.n, 0) < 0) {
		st = err_sys(e, ST_TEMP, errno, "send");
		goto out;
	}
	while (readable(fd, deadline)) {
		n = recv(fd, p, UDP_BYTES_MAX, 0);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n < 0) {
			st = err_sys(e, ST_TEMP, errno, "receive");
			break;
		}
		st = dns_result_parse(a, (struct str){ p, (size_t)n }, id, name,
			type, out, cut, e);
		if (st == ST_OK)
			break;
		st = ST_TEMP;
	}
out:
	fd_close(&fd);
	return st;
}

static bool move_all(int fd, char *p, size_t n, bool out, struct mono deadline)
{
	struct pollfd w = { .fd = fd, .events = out ? POLLOUT : POLLIN };
	ssize_t rc;

	while (n > 0) {
		if (poll(&w, 1, channel_left_ms(deadline)) <= 0)
			return false;
		rc = out ? send(fd, p, n, MSG_NOSIGNAL) : recv(fd, p, n, 0);
		if (rc < 0 && errno == EAGAIN)
			continue;
		if (rc <= 0)
			return false;
		p += rc;
		n -= (size_t)rc;
	}
	return true;
}

static enum status ask_tcp(const struct addr *server, struct str query,
	uint16_t id, const struct dns_name *name, uint16_t type,
	struct mono deadline, struct arena *a, struct dns_result *out,
	struct err *e)
{
	int fd = connect_to(server, SOCK_STREAM, deadline);
	unsigned char head[2] = { (unsigned char)(query.n >> 8),
		(unsigned char)query.n };
	char text[QUERY_BYTES_MAX];
	enum status st = ST_TEMP;
	bool cut = false;
	size_t n;
	char *p;

	memcpy(text, query.p, query.n);
	if (fd < 0 || !move_all(fd, (char *)head, 2, true, deadline) ||
		!move_all(fd, text, query.n, true, deadline) ||
		!move_all(fd, (char *)head, 2, false, deadline)) {
		(void)err_set(e, st, "no reply over TCP");
		goto out;
	}
	n = (size_t)head[0] << 8 | head[1];
	p = arena_alloc(a, n + 1);
	if (p == NULL || !move_all(fd, p, n, false, deadline)) {
		(void)err_set(e, st, "no whole reply over TCP");
		goto out;
	}
	st = dns_result_parse(
		a, (struct str){ p, n }, id, name, type, out, &cut, e);
	if (st == ST_OK && cut)
		st = err_set(e, ST_INVALID, "a cut reply over TCP");
out:
	fd_close(&fd);
	return st;
}

enum status dns_client_ask(const struct addr *server,
	const struct dns_name *name, uint16_t type, bool recursion,
	struct mono deadline, struct arena *a, struct dns_result *out,
	struct err *e)
{
	unsigned char text[QUERY_BYTES_MAX];
	struct str query;
	enum status st = ST_TEMP;
	bool cut = false;
	uint16_t id;

	for (int i = 0; i < TRIES && st == ST_TEMP; i++) {
		struct mono now = clock_mono(clock_system());
		struct mono until = { now.ms + TRY_MS };

		if (now.ms >= deadline.ms)
			break;
		if (until.ms > deadline.ms)
			until = deadline;
		crypto_random(&id, sizeof(id));
		query = write_query(
			text, sizeof(text), id, name, type, recursion);
		st = ask_udp(
			server, query, id, name, type, until, a, out, &cut, e);
	}
	if (st == ST_OK && cut)
		st = ask_tcp(
			server, query, id, name, type, deadline, a, out, e);
	return st;
}

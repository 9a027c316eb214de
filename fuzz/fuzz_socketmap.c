/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client sends to a socketmap server: the same requests come out of it
 * whole and byte by byte, and writing them gives the same bytes.
 */
#include <stdint.h>
#include <string.h>

#include "base/bug.h"
#include "base/mem.h"
#include "io/idn.h"
#include "proto/host_name.h"
#include "proto/netstring.h"
#include "proto/policy_domain.h"
#include "proto/socketmap.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_domain(struct arena *a, struct str key)
{
	struct policy_domain d, again;
	enum status st = policy_domain_parse(a, key, idn_to_ascii, &d);

	BUG(st != ST_OK && st != ST_NOTFOUND);
	if (st != ST_OK)
		return;
	BUG(host_name_fault(d.name) != HOST_NAME_GOOD);
	BUG(policy_domain_parse(a, d.name, NULL, &again) != ST_OK);
	BUG(!str_eq(d.name, again.name));
}

static void check_request(struct arena *a, struct str content)
{
	struct sbuf b = sbuf_arena(a, SOCKETMAP_REPLY_WIRE_MAX);
	struct socketmap_request r;
	struct str back;
	size_t used;

	if (socketmap_request_parse(content, &r) != ST_OK)
		return;
	BUG(str_index(r.name, ' ') >= 0);
	BUG(r.name.n + 1 + r.key.n != content.n);
	socketmap_request_write(&b, &r);
	BUG(netstring_parse(sbuf_str(&b), SOCKETMAP_REQUEST_BYTES_MAX, &back,
		    &used) != ST_OK);
	BUG(!str_eq(back, content) || used != b.n);
	check_domain(a, r.key);
}

/* No cut of a netstring is one, nor is it wrong before it is. */
static void check_cut(struct str whole)
{
	size_t n = whole.n > 64 ? 64 : whole.n - 1, used;
	struct str out;

	for (size_t i = 0; i <= n && i < whole.n; i++)
		BUG(netstring_parse(str_upto(whole, i),
			    SOCKETMAP_REQUEST_BYTES_MAX, &out,
			    &used) != ST_AGAIN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_must(0);
	struct str in = { (const char *)data, size }, content;
	enum socketmap_status status;
	size_t used;

	(void)!socketmap_reply_parse(in, &status, &content);
	check_domain(a, in);
	while (netstring_parse(in, SOCKETMAP_REQUEST_BYTES_MAX, &content,
		       &used) == ST_OK) {
		BUG(used > in.n || used < content.n + 3);
		check_cut(str_upto(in, used));
		check_request(a, content);
		in = str_from(in, used);
	}
	arena_free(&a);
	return 0;
}

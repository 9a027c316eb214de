/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmtp: any bytes of a client, in pieces of the size that the first byte says.
 * However they are cut, the same messages come out.
 */
#include <stdint.h>

#include "base/arena.h"
#include "base/bug.h"
#include "proto/lmtp.h"

#include "base/poison.h"

#define MAX_BYTES 300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
	struct sbuf content;
	size_t messages, pieces;
};

static void on_end(struct told *t, struct lmtp *l)
{
	t->messages++;
	sbuf_addc(&t->content, '\0');
	for (size_t n = l->n_recipients; n > 0; n--)
		lmtp_answer(l, 250, "2.0.0 taken");
}

static bool feed(struct told *t, struct lmtp *l, struct str in)
{
	struct str piece;

	for (;;) {
		switch (lmtp_next(l, &in, &piece)) {
		case LMTP_READ:
			BUG(in.n > 0);
			return true;
		case LMTP_WRITE:
			lmtp_output_took(l, lmtp_output(l).n);
			break;
		case LMTP_RECIPIENT:
			lmtp_answer(l, l->recipient.n_local % 2 ? 250 : 550,
				"2.1.5 perhaps");
			break;
		case LMTP_MESSAGE:
			lmtp_answer(l, 354, "go on");
			break;
		case LMTP_CONTENT:
			BUG(l->n_content > MAX_BYTES);
			t->pieces++;
			sbuf_add(&t->content, piece);
			break;
		case LMTP_END:
			on_end(t, l);
			break;
		case LMTP_CLOSE:
			return false;
		}
	}
}

static struct told run(struct arena *a, struct str in, size_t step)
{
	struct told t = { .content = sbuf_arena(a, 1u << 24) };
	struct lmtp *l = arena_alloc(a, sizeof(*l));

	lmtp_init(l, "mx.example", MAX_BYTES);
	for (; in.n > 0; in = str_from(in, step))
		if (!feed(&t, l, str_upto(in, step)))
			break;
	return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_must(0);
	struct str in = { (const char *)data + 1, size - 1 };
	struct told once, cut;

	if (size > 0) {
		once = run(a, in, 1);
		cut = run(a, in, 1u + data[0]);
		/* What is pipelined behind a refused DATA is seen by luck. */
		BUG(cut.messages > once.messages ||
			(cut.messages == once.messages &&
				!str_eq(sbuf_str(&once.content),
					sbuf_str(&cut.content)) &&
				cut.content.n >= once.content.n));
	}
	arena_free(&a);
	return 0;
}

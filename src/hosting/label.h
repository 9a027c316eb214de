/* SPDX-License-Identifier: Apache-2.0 */
/*
 * label: the random label of a domain in the hosted zone. 80 random bits, so
 * that nobody can guess another's, and none is ever given twice.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#define LABEL_CHARS 16

/* 16 characters of lower-case base32 (RFC 4648 section 6). */
struct str label_new(struct arena *a);

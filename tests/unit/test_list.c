/* SPDX-License-Identifier: MIT */
#include "base/list.h"

#include "harness.h"

struct item {
	int number;
	struct weir__list link;
};

static struct weir__list head;
static struct item items[6];

static void setup(void)
{
	weir__list_init(&head);
	for (int i = 0; i < 6; i++) {
		items[i].number = i;
		weir__list_init(&items[i].link);
	}
}

static void push(struct weir__list *to, int i)
{
	weir__list_push(to, &items[i].link);
}

/* The list's numbers as decimal digits, 0 when empty; checks both ways. */
static int digits(const struct weir__list *h)
{
	const struct weir__list *l;
	int forward = 0, backward = 0, power = 1;

	for (l = h->next; l != h; l = l->next)
		forward = forward * 10 +
			  WEIR__CONTAINER(l, struct item, link)->number;
	for (l = h->prev; l != h; l = l->prev) {
		backward += power *
			    WEIR__CONTAINER(l, struct item, link)->number;
		power *= 10;
	}
	CHECK_EQ(forward, backward);
	return forward;
}

TEST(container_leads_back_to_the_object)
{
	setup();
	CHECK(WEIR__CONTAINER(&items[3].link, struct item, link) == &items[3]);
}

TEST(an_initialised_head_is_empty)
{
	setup();
	CHECK(weir__list_is_empty(&head));
	CHECK(!weir__list_first(&head));
	CHECK(!weir__list_take(&head));
	CHECK_EQ(digits(&head), 0);
}

TEST(push_adds_at_the_tail)
{
	setup();
	for (int i = 1; i <= 4; i++) {
		CHECK(!weir__list_is_linked(&items[i].link));
		push(&head, i);
		CHECK(weir__list_is_linked(&items[i].link));
	}
	CHECK(!weir__list_is_empty(&head));
	CHECK_EQ(digits(&head), 1234);
	CHECK(weir__list_first(&head) == &items[1].link);
	CHECK_EQ(digits(&head), 1234);
}

TEST(remove_takes_out_any_node)
{
	setup();
	for (int i = 1; i <= 4; i++)
		push(&head, i);
	weir__list_remove(&items[2].link);
	CHECK(!weir__list_is_linked(&items[2].link));
	CHECK_EQ(digits(&head), 134);
	weir__list_remove(&items[4].link);
	CHECK_EQ(digits(&head), 13);
	weir__list_remove(&items[1].link);
	CHECK_EQ(digits(&head), 3);
	weir__list_remove(&items[3].link);
	CHECK(weir__list_is_empty(&head));
}

TEST(remove_of_an_unlinked_node_does_nothing)
{
	setup();
	push(&head, 1);
	push(&head, 2);
	weir__list_remove(&items[3].link);
	weir__list_remove(&items[1].link);
	weir__list_remove(&items[1].link);
	CHECK(!weir__list_is_linked(&items[1].link));
	CHECK_EQ(digits(&head), 2);
	push(&head, 1);
	CHECK_EQ(digits(&head), 21);
}

TEST(take_is_first_in_first_out)
{
	setup();
	for (int i = 1; i <= 3; i++)
		push(&head, i);
	for (int i = 1; i <= 3; i++) {
		CHECK(weir__list_take(&head) == &items[i].link);
		CHECK(!weir__list_is_linked(&items[i].link));
	}
	CHECK(!weir__list_take(&head));
}

TEST(splice_moves_all_to_the_tail)
{
	struct weir__list from;

	setup();
	weir__list_init(&from);

	weir__list_splice(&head, &from);
	CHECK(weir__list_is_empty(&head));
	CHECK(weir__list_is_empty(&from));

	push(&from, 1);
	push(&from, 2);
	weir__list_splice(&head, &from);
	CHECK_EQ(digits(&head), 12);
	CHECK(weir__list_is_empty(&from));

	weir__list_splice(&head, &from);
	CHECK_EQ(digits(&head), 12);

	push(&from, 3);
	weir__list_splice(&head, &from);
	push(&from, 4);
	push(&from, 5);
	weir__list_splice(&head, &from);
	CHECK_EQ(digits(&head), 12345);
	CHECK(weir__list_is_empty(&from));
}

"""An outbox on flash: when it writes, what a start finds, and what torn ends, flipped bits and full flash take away."""

import os

from flamelet.outbox import flash
from flamelet.outbox.record import UNDATED

from clock import NOW, milliseconds
from outboxes import IO_ERROR, NO_SPACE, Folder, Time, feed, fill, keys, numbers, waiting

HEAP = "512k"


def flush(box):
    """What a flush does where all is accepted; the numbers in their order."""
    found = numbers(box)
    while box.batch(0):
        box.done(0, box.mark(0), box.batch(0)[1])
    return found


# When it writes.


def test_a_group_is_written_at_once_and_until_then_it_is_pending():
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=4)
        assert fill(box, range(9), time) == ["pending"] * 3 + ["durable"] + ["pending"] * 3 + ["durable", "pending"]
        assert (box.waiting, box.pending) == (9, 1)
        assert numbers(box) == list(range(9))
        assert numbers(folder.outbox()) == list(range(8))


def test_what_is_old_enough_is_written():
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=100, seconds=10)
        assert fill(box, [0]) == ["pending"]
        time.move(9999)
        box.commit_if_due()
        assert (box.pending, folder.segments()) == (1, [])
        assert fill(box, [1]) == ["pending"]
        time.move(1)
        box.commit_if_due()
        assert (box.pending, len(folder.segments())) == (0, 1)
        # The age is that of the oldest that is pending.
        fill(box, [2])
        time.move(9000)
        fill(box, [3])
        time.move(999)
        assert fill(box, [4]) == ["pending"]
        time.move(1)
        assert fill(box, [5]) == ["durable"]
        assert numbers(folder.outbox()) == [0, 1, 2, 3, 4, 5]


def test_commit_and_close_write_what_is_pending():
    with Folder() as folder, Time():
        box = folder.outbox()
        fill(box, range(3))
        assert box.commit() and box.pending == 0
        fill(box, [3])
        box.close()
        assert numbers(folder.outbox()) == [0, 1, 2, 3]
        assert box.commit()


def test_nothing_is_written_where_the_server_answers_in_time():
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=8)
        for n in range(0, 100, 5):
            fill(box, range(n, n + 5), time)
            assert flush(box) == list(range(n, n + 5))
        assert folder.segments() == [] and box.waiting == 0


def test_a_segment_fits_into_a_block_of_flash_and_goes_as_a_whole():
    with Folder() as folder, Time() as time:
        box = folder.outbox()
        fill(box, range(400), time)
        sizes = [len(folder.read(name)) for name in folder.segments()]
        assert len(sizes) > 3 and max(sizes) <= 4096 and min(sizes[:-1]) > 3000
        first = folder.segments()[0]
        box.done(0, box.mark(0), box.batch(0)[1])
        assert first not in folder.segments() and len(folder.segments()) == len(sizes) - 1


def test_keys_stay_the_same_across_restarts():
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=1)
        made = []
        for n in range(30):
            fill(box, [n], time)
            made.append(keys(box)[-1])
            if n % 7 == 0:
                time.restart()
                box = folder.outbox(group=1)
        assert keys(box) == keys(folder.outbox()) == made == sorted(set(made))


def test_an_unlucky_folder_says_so():
    with Folder() as folder:
        try:
            flash.FlashOutbox(folder.path("none/none"), 2048, 65536, 8, 60, "oldest")
        except OSError as error:
            assert error.errno == 2 and "none/none of the outbox cannot be made" in str(error)
        else:
            raise AssertionError("a folder was made below none")


def test_a_folder_that_cannot_be_listed_does_not_stop_the_device():
    with Folder() as folder, Time() as time:
        real = flash.os

        class Broken:
            def __getattr__(self, name):
                return getattr(real, name)

            def listdir(self, name):
                raise UnicodeError

        flash.os = Broken()
        try:
            box = folder.outbox(group=1)
        finally:
            flash.os = real
        assert isinstance(box.error, UnicodeError)
        assert fill(box, range(3), time) == ["durable"] * 3
        assert numbers(folder.outbox()) == [0, 1, 2]


# Room.


def test_the_oldest_segment_goes_where_there_is_no_room_and_the_count_outlives_a_restart():
    with Folder() as folder, Time() as time:
        box = folder.outbox(size=3 * 4096, group=4)
        assert set(fill(box, range(1000), time)) == {"pending", "durable"}
        left = numbers(box)
        assert left == list(range(1000 - len(left), 1000))
        assert box.dropped == 1000 - len(left) > 0
        assert len(folder.segments()) <= 3
        box.commit()
        again = folder.outbox()
        assert (again.dropped, numbers(again)) == (box.dropped, left)
        # Of those on flash no number is forgotten while anything is written.
        again.done(0, again.mark(0), again.batch(0)[1])
        fill(again, range(8))
        assert folder.outbox().dropped == box.dropped


def test_the_newest_go_where_that_is_asked_for_and_the_count_is_written_with_the_next_ones():
    with Folder() as folder, Time() as time:
        box = folder.outbox(size=2 * 4096, group=4, drop="newest")
        said = fill(box, range(500), time)
        kept = said.index("dropped")
        assert set(said[kept:]) == {"dropped"}
        assert numbers(box) == list(range(kept))
        assert box.dropped == 500 - kept
        box.done(0, box.mark(0), box.batch(0)[1])
        assert box.commit()
        again = folder.outbox(size=2 * 4096, drop="newest")
        assert (again.dropped, again.waiting) == (500 - kept, box.waiting)


def test_fits_is_about_what_is_kept():
    with Folder() as folder, Time() as time:
        box = folder.outbox(size=4 * 4096, drop="newest")
        fill(box, [100])
        fits = feed(box).fits
        said = fill(box, range(101, 900), time)
        assert 0.9 * fits < 1 + said.index("dropped") <= fits


# What a start finds.


def test_every_torn_end_loses_only_what_is_torn():
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=1)
        fill(box, range(4), time)
        made = keys(box)
        [name] = folder.segments()
        content = folder.read(name)
        size = len(content) // 4
        for end in range(len(content) + 1):
            folder.write(name, content[:end])
            box = folder.outbox(group=1)
            assert numbers(box) == list(range(end // size))
            assert keys(box) == made[: end // size]
            # What is torn is not appended to: the next ones are in another one.
            fill(box, [9])
            assert numbers(folder.outbox()) == list(range(end // size)) + [9]
            for other in folder.segments():
                os.remove(folder.path(other))


def test_a_flipped_bit_loses_the_record_that_it_is_in_and_no_other():
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=1)
        fill(box, range(4), time)
        feed(box).record_set("a", "a longer text")
        fill(box, range(5, 8), time)
        made = keys(box)
        assert len(made) == 8
        [name] = folder.segments()
        content = folder.read(name)
        for at in range(len(content)):
            flipped = bytearray(content)
            flipped[at] ^= 1 << (at % 8)
            folder.write(name, flipped)
            box = folder.outbox()
            left = keys(box)
            assert len(left) == 7 and [key for key in made if key in left] == left
            assert (box.corrupt, box.waiting, box.dropped) == (1, 7, 0)


def test_a_stretch_of_any_bytes_loses_what_it_touches():
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=1)
        fill(box, range(60), time)
        made = keys(box)
        [name] = folder.segments()
        content = folder.read(name)
        for _ in range(100):
            start = int.from_bytes(os.urandom(2), "little") % len(content)
            junk = os.urandom(1 + os.urandom(1)[0])[: len(content) - start]
            changed = bytearray(content)
            changed[start : start + len(junk)] = junk
            folder.write(name, changed)
            left = keys(folder.outbox())
            assert [key for key in made if key in left] == left
            assert len(left) >= len(made) - len(junk) // 30 - 2


def test_what_lay_behind_the_end_is_no_record_of_this_segment():
    with Folder() as folder, Time() as time:
        old = folder.outbox(group=1)
        fill(old, range(5), time)
        [name] = folder.segments()
        stale = folder.read(name)
        flush(old)
        box = folder.outbox(group=1)
        fill(box, range(10, 12), time)
        [name] = folder.segments()
        folder.write(name, folder.read(name) + stale[120:])
        box = folder.outbox(group=1)
        assert (numbers(box), box.corrupt) == ([10, 11], 1)
        fill(box, [12], time)
        assert numbers(folder.outbox()) == [10, 11, 12]
        assert len(folder.segments()) == 2


def test_files_of_others_are_left_alone():
    with Folder() as folder, Time() as time:
        for name in ("notes.txt", "a.out", ".out", "refused.0"):
            folder.write(name, b"of others")
        fill(folder.outbox(group=1), range(3), time)
        assert numbers(folder.outbox()) == [0, 1, 2]
        assert [folder.read(name) for name in ("notes.txt", "a.out", ".out")] == [b"of others"] * 3


def test_a_file_that_nobody_wrote_is_no_trouble():
    for content in (b"", b"\xff" * 5000, b"\0" * 300, bytes(range(256)) * 20):
        with Folder() as folder, Time() as time:
            folder.write("00000007.out", content)
            box = folder.outbox(group=1)
            assert (box.waiting, box.corrupt) == (0, 1 if content else 0)
            fill(box, range(3), time)
            assert numbers(folder.outbox()) == [0, 1, 2]


def test_a_segment_that_cannot_be_read_stays_and_the_next_start_may_read_it():
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=4)
        fill(box, range(300), time)
        names = folder.segments()
        whole = numbers(box)
        folder.unreadable = (names[1], names[-1])
        box = folder.outbox(group=4)
        assert box.error.errno == IO_ERROR
        left = numbers(box)
        assert 0 < len(left) < len(whole) and set(left) < set(whole)
        fill(box, range(300, 308), time)
        flush(box)
        folder.unreadable = ()
        missed = [n for n in whole if n not in left]
        assert numbers(folder.outbox()) == missed


def test_a_segment_that_becomes_unreadable_does_not_stop_the_others():
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=4)
        fill(box, range(300), time)
        folder.unreadable = (folder.segments()[0],)
        left = flush(box)
        assert left == list(range(300 - len(left), 300)) and box.error.errno == IO_ERROR
        assert len(folder.segments()) == 1


# Flash that takes nothing.


def test_a_full_flash_drops_the_oldest_segment_for_the_newest_readings():
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=4)
        fill(box, range(300), time)
        assert box.dropped == 0
        count = len(folder.segments())
        tries = []
        real = flash.open

        def full(path, mode):
            # Until a segment is gone.
            if mode != "rb" and len(folder.segments()) >= count:
                tries.append(path)
                raise OSError(NO_SPACE, "no space")
            return real(path, mode)

        flash.open = full
        fill(box, range(300, 304), time)
        assert tries and box.dropped > 0 and box.error is None
        assert numbers(box) == numbers(folder.outbox()) == list(range(box.dropped, 304))


def test_a_full_flash_keeps_what_it_has_where_the_newest_go():
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=4, memory=512, drop="newest")
        fill(box, range(8), time)
        folder.error = NO_SPACE
        said = fill(box, range(8, 40), time)
        kept = 8 + said.index("dropped")
        assert "durable" not in said
        assert box.error.errno == NO_SPACE
        assert numbers(box) == list(range(kept))
        assert (box.pending, box.dropped) == (kept - 8, 40 - kept)
        folder.error = None
        assert box.commit() and box.error is None
        assert numbers(folder.outbox()) == list(range(kept))


def test_a_flash_that_fails_keeps_the_newest_in_ram_and_says_why():
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=4, memory=512)
        fill(box, range(8), time)
        folder.error = IO_ERROR
        assert set(fill(box, range(8, 60), time)) == {"pending"}
        assert box.error.errno == IO_ERROR
        left = numbers(box)
        assert left[:8] == list(range(8)) and left[8:] == list(range(60 - box.pending, 60))
        assert box.dropped == 60 - len(left)
        folder.error = None
        assert box.commit() and box.error is None
        assert numbers(folder.outbox()) == left


def test_a_flash_that_fails_is_asked_again_after_the_time_of_a_group_and_no_sooner():
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=4, seconds=60)
        folder.error = IO_ERROR
        fill(box, range(4), time)
        first = box.error
        for _ in range(5):
            time.ticks += 10000
            box.commit_if_due()
        fill(box, range(4, 8), time)
        assert box.error is first
        time.ticks += 10000
        box.commit_if_due()
        assert box.error is not first
        folder.error = None
        time.ticks += 60000
        box.commit_if_due()
        assert (box.pending, box.error) == (0, None)
        assert fill(box, range(8, 12), time)[-1] == "durable"


def test_what_a_failed_write_left_is_not_appended_to_and_nothing_is_twice_under_two_keys():
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=4)
        fill(box, range(4), time)
        [name] = folder.segments()
        content = folder.read(name)
        # The whole first record arrives, and half of the second one.
        folder.error, folder.written = IO_ERROR, content[: len(content) // 4 + 20]
        fill(box, range(4, 8), time)
        assert box.pending == 4
        folder.error = folder.written = None
        assert box.commit()
        assert len(folder.segments()) == 2
        again = folder.outbox()
        assert set(numbers(again)) == set(range(8)) and len(set(keys(again))) == 8


# Without a clock.


def test_undated_readings_of_earlier_boots_and_of_this_one_are_in_order():
    with Folder() as folder, Time(epoch=0) as time:
        for boot in range(4):
            fill(folder.outbox(group=1), range(boot * 5, boot * 5 + 5), time)
            time.forget()
        box = folder.outbox(group=2)
        time.move(10000)
        fill(box, range(20, 25), time)
        assert [kind for kind, _, _ in waiting(box)] == [UNDATED] * 25
        time.set(NOW)
        fill(box, range(25, 28), time)
        made = keys(box, date=True)
        assert numbers(box) == list(range(28))
        assert made == sorted(set(made))
        assert [milliseconds(key) - NOW for key in made[20:28]] == [-4000, -3000, -2000, -1000, 0, 1000, 2000, 3000]
        assert milliseconds(made[0]) > NOW - 60000


def test_a_time_that_was_given_once_is_the_same_after_a_power_cut():
    with Folder() as folder, Time(epoch=0) as time:
        for boot in range(3):
            fill(folder.outbox(group=1), range(boot * 5, boot * 5 + 5), time)
            time.forget()
        box = folder.outbox(group=1)
        time.set(NOW)
        made = keys(box, date=True)
        for _ in range(3):
            # Sent, and not dropped yet: the power cut; the next boots come much later.
            time.restart(time.epoch + 86_400_000)
            fill(folder.outbox(group=1), [15], time)
            assert keys(folder.outbox(), date=True)[:15] == made
            time.forget()
            box = folder.outbox(group=1)
            fill(box, [16], time)
            time.set(NOW + 7 * 86_400_000)
            assert keys(box, date=True)[:15] == made


def test_undated_readings_that_are_pending_keep_the_time_they_were_sent_under():
    with Folder() as folder, Time(epoch=0) as time:
        box = folder.outbox(group=3)
        fill(box, range(5), time)
        assert box.pending == 2
        time.set(NOW)
        made = keys(box, date=True)
        # The first segment was answered for, the answer for the rest is lost; then they are written.
        box.done(0, box.mark(0), box.batch(0)[1])
        assert box.commit()
        time.restart(NOW + 3_600_000)
        assert made[-2:] == [key for key in keys(folder.outbox(), date=True) if key in made][-2:]


def test_a_boot_that_came_to_know_the_time_and_was_cut_off_has_told_it():
    with Folder() as folder, Time(epoch=0) as time:
        box = folder.outbox(group=1)
        fill(box, range(3), time)
        time.set(NOW)
        fill(box, range(3, 6), time)
        time.restart(NOW + 3_600_000)
        box = folder.outbox(group=1)
        fill(box, range(6, 9), time)
        made = keys(box, date=True)
        assert numbers(box) == list(range(9))
        assert made == sorted(made)
        assert milliseconds(made[2]) == NOW


def test_a_later_boot_that_knows_the_time_tells_it_for_those_before():
    with Folder() as folder, Time(epoch=0) as time:
        fill(folder.outbox(group=1), range(3), time)
        time.restart(NOW)
        fill(folder.outbox(group=1), range(3, 6), time)
        time.restart(NOW + 3_600_000)
        box = folder.outbox(group=1)
        made = keys(box, date=True)
        assert made == sorted(made) and milliseconds(made[2]) < NOW


def test_a_full_outbox_that_keeps_the_oldest_still_keeps_when_a_boot_began():
    with Folder() as folder, Time(epoch=0) as time:
        box = folder.outbox(group=4, size=2 * 4096, drop="newest")
        assert "dropped" in fill(box, range(400), time)
        time.set(NOW)
        made = keys(box, date=True)
        time.restart(NOW + 3_600_000)
        again = folder.outbox(size=2 * 4096, drop="newest")
        assert keys(again, date=True) == made[: again.waiting]


def test_reading_what_this_boot_wrote_makes_no_other_boot_of_it():
    with Folder() as folder, Time(epoch=0) as time:
        box = folder.outbox(group=1)
        fill(box, range(3), time)
        assert numbers(box) == [0, 1, 2]
        fill(box, range(3, 6), time)
        time.move(600_000)
        time.set(NOW)
        made = keys(box, date=True)
        assert [milliseconds(key) - NOW for key in made] == [-600_000 - 1000 * n for n in range(5, -1, -1)]


# While a batch is on its way.


def test_what_is_recorded_while_a_segment_is_on_its_way_is_in_another_one():
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=4)
        fill(box, range(4), time)
        buffer, end = box.batch(0)
        mark = box.mark(0)
        fill(box, range(4, 9), time)
        box.done(0, mark, end)
        assert (numbers(box), box.waiting) == ([4, 5, 6, 7, 8], 5)


def test_what_is_committed_while_it_is_on_its_way_from_ram_stays_as_it_was():
    with Folder() as folder, Time() as time:
        box = folder.outbox(group=4)
        fill(box, range(3), time)
        buffer, end = box.batch(0)
        mark = box.mark(0)
        before, made = bytes(buffer[:end]), keys(box)
        fill(box, range(3, 9), time)
        assert bytes(buffer[:end]) == before
        box.done(0, mark, end)
        # Sent once more, under the same keys.
        assert numbers(box) == list(range(9)) and keys(box)[:3] == made
        assert flush(box) == list(range(9)) and folder.segments() == []


def test_a_segment_that_is_dropped_while_it_is_on_its_way_takes_no_other_with_it():
    with Folder() as folder, Time() as time:
        box = folder.outbox(size=2 * 4096, group=4)
        fill(box, range(100), time)
        end = box.batch(0)[1]
        mark = box.mark(0)
        fill(box, range(100, 300), time)
        left = numbers(box)
        assert left[0] > 0
        box.done(0, mark, end)
        assert numbers(box) == left


# Refusals.


def test_refused_records_are_kept_in_two_files_in_turn():
    with Folder() as folder:
        box = folder.outbox()
        for n in range(200):
            box.set_aside("key%d" % n, "a reason\nin two lines", b'{"n":%d}' % n)
        assert box.refused == 200
        assert box.refusals()[-1] == ("key199", "a reason\nin two lines", b'{"n":199}')
        text = folder.read("refused.0") + folder.read("refused.1")
        assert b'key199 {"n":199} a reason in two lines\n' in text
        assert len(text) <= 2 * (2048 + 1024)
        assert all([line.startswith(b"key") for line in text.split(b"\n")[:-1]])
        box.set_aside("key", "a reason", b"x" * 5000)
        text = folder.read("refused.0") + folder.read("refused.1")
        assert len(text) <= 2 * (2048 + 1024)
        folder.error = NO_SPACE
        box.set_aside("key", "a reason", b"1")
        assert box.error.errno == NO_SPACE and box.refused == 202

//! PTX as compilers seldom write it, but may: scopes, tables of targets, generic addresses, addresses of parameters.

mod common;

use common::Bench;
use ptx_interpreter::{Launch, Memory, Module};

const HEAD: &str = ".version 9.0\n.target sm_80\n.address_size 64\n";

/// Runs `body` in one block as a kernel with a buffer of `n` words to write to (`%out`) and a struct of 16 bytes.
fn run(body: &str, threads: u32, n: usize) -> Vec<u32> {
    let text = format!(
        "{HEAD}.visible .entry k(.param .u64 out, .param .align 8 .b8 p[16]) {{\n\
         .reg .b32 %r<20>; .reg .b64 %rd<20>; .reg .pred %p<9>; .reg .b64 %out;\n\
         ld.param.u64 %out, [out];\n{body}\nret;\n}}\n"
    );
    let mut bench = Bench::new(&text);
    let out = bench.memory.allocate(4 * n).unwrap();
    let bytes: Vec<u8> = [11u32, 22, 33, 44].iter().flat_map(|x| x.to_le_bytes()).collect();
    bench.run("k", &Launch::new([1, 1, 1], [threads, 1, 1]).arg(out).bytes(&bytes));
    bench.memory.download(out, n).unwrap()
}

#[test]
fn braces_hide_names() {
    let body = "mov.u32 %r1, 1;
        { .reg .b32 %r1; .reg .b32 mine; mov.u32 %r1, 5; mov.u32 mine, %r1; st.global.u32 [%out], mine; }
        st.global.u32 [%out+4], %r1;";
    assert_eq!(run(body, 1, 2), [5, 1]);
}

#[test]
fn branches_by_a_table() {
    let body =
        "mov.u32 %r1, %tid.x; mul.wide.u32 %rd1, %r1, 4; add.s64 %rd2, %out, %rd1; rem.u32 %r2, %r1, 3;
        targets: .branchtargets zero, one, two;
        brx.idx %r2, targets;
        zero: mov.u32 %r3, 7; bra.uni end;
        one: mov.u32 %r3, 8; bra.uni end;
        two: mov.u32 %r3, 9;
        end: st.global.u32 [%rd2], %r3;";
    let want: Vec<u32> = (0..40).map(|i| 7 + i % 3).collect();
    assert_eq!(run(body, 40, 40), want);
}

#[test]
fn one_address_for_every_memory() {
    let body = ".local .align 4 .b8 mine[8]; .shared .align 4 .b8 ours[8];
        mov.u64 %rd1, mine; cvta.local.u64 %rd2, %rd1; mov.u32 %r1, 3; st.u32 [%rd2+4], %r1; ld.local.u32 %r2, [mine+4];
        st.global.u32 [%out], %r2;
        mov.u64 %rd3, ours; cvta.shared.u64 %rd4, %rd3; mov.u32 %r3, 4; st.u32 [%rd4], %r3; ld.shared.u32 %r4, [ours];
        cvta.to.shared.u64 %rd5, %rd4; ld.shared.u32 %r5, [%rd5]; add.u32 %r4, %r4, %r5;
        cvta.global.u64 %rd6, %out; st.u32 [%rd6+4], %r4;";
    assert_eq!(run(body, 1, 2), [3, 8]);
}

#[test]
fn parameters_have_addresses() {
    let body = "mov.b64 %rd1, p; ld.param.u32 %r1, [%rd1+8]; ld.param.v2.u32 {%r2, %r3}, [p];
        cvta.param.u64 %rd2, %rd1; ld.u32 %r4, [%rd2+12];
        st.global.v4.u32 [%out], {%r1, %r2, %r3, %r4};";
    assert_eq!(run(body, 1, 4), [33, 11, 22, 44]);
}

#[test]
fn halves_and_registers_of_other_sizes() {
    let body = ".reg .b16 %h<3>;
        mov.u32 %r1, 0x12345678; mov.b32 {%h1, %h2}, %r1; mov.b32 %r2, {%h2, %h1}; st.global.u32 [%out], %r2;
        mov.b64 %rd1, {%r1, %r2}; mov.b64 {_, %r3}, %rd1; st.global.u32 [%out+4], %r3;
        ld.global.u32 %rd2, [%out]; st.global.u32 [%out+8], %rd2;
        ld.global.s8 %r4, [%out+3]; ld.global.s16 %rd3, [%out]; cvt.u32.u64 %r5, %rd3;
        st.global.u32 [%out+12], %r4; st.global.u32 [%out+16], %r5;";
    assert_eq!(run(body, 1, 5), [0x5678_1234, 0x5678_1234, 0x5678_1234, 0x56, 0x1234]);
}

#[test]
fn predicates_are_joined_and_complemented() {
    let body = "mov.u32 %r1, %tid.x; setp.lt.u32 %p1, %r1, 3;
        setp.eq.and.u32 %p2|%p3, %r1, 2, %p1; setp.ne.or.s32 %p4, %r1, 0, !%p1; xor.pred %p5, %p2, %p4; not.pred %p6, %p5;
        selp.u32 %r2, 1, 0, %p2; selp.u32 %r3, 2, 0, %p3; selp.u32 %r4, 4, 0, %p4; selp.u32 %r5, 8, 0, %p6;
        or.b32 %r2, %r2, %r3; or.b32 %r2, %r2, %r4; or.b32 %r2, %r2, %r5;
        mul.wide.u32 %rd1, %r1, 4; add.s64 %rd2, %out, %rd1; st.global.u32 [%rd2], %r2;
        @!%p1 bra far; bra.uni end; far: st.global.u32 [%rd2], 99; end:";
    assert_eq!(run(body, 4, 4), [2 + 8, 2 + 4, 1 + 4 + 8, 99]);
}

#[test]
fn lanes_meet_again_after_loops_of_their_own_length() {
    let body = "mov.u32 %r1, %tid.x; and.b32 %r2, %r1, 7; mov.u32 %r3, 0;
        again: add.u32 %r3, %r3, %r2; sub.u32 %r2, %r2, 1; setp.gt.s32 %p1, %r2, 0; @%p1 bra again;
        shfl.sync.bfly.b32 %r4, %r3, 1, 31, -1; add.u32 %r4, %r4, %r3;
        mul.wide.u32 %rd1, %r1, 4; add.s64 %rd2, %out, %rd1; st.global.u32 [%rd2], %r4;";
    let sum = |i: u32| (i & 7) * ((i & 7) + 1) / 2;
    let want: Vec<u32> = (0..32).map(|i| sum(i) + sum(i ^ 1)).collect();
    assert_eq!(run(body, 32, 32), want);
}

#[test]
fn text_that_is_no_ptx_is_an_error() {
    for (text, part) in [
        ("int main() {}", "expected a directive, got 'int'"),
        (".visible .entry k() { add.s32 %r1, 1;", "kernel without end"),
        (".visible .entry k() { .reg .b31 %r1; }", "expected a register's type"),
        (".extern .global .u32 x[];", "extern variables are not interpreted"),
        ("/* no end", "comment without end"),
    ] {
        let error = Module::load(text, &mut Memory::default()).unwrap_err();
        assert!(error.what.contains(part), "{error}");
    }
}

"""Names of libraries across releases."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import loaded, summary_of
from leeway.agents.module_names import module_name
from leeway.events import Facet, Process
from strategies import texts


@pytest.mark.parametrize(
    ("path", "name"),
    [
        pytest.param("/x/libgomp-a34b3233.so.1.0.0", "libgomp.so", id="vendored by auditwheel"),
        pytest.param("/x/libquadmath-96973f99-934c22de.so.0.0.0", "libquadmath.so", id="vendored twice"),
        pytest.param("libopenblasp-r0-085ca80a.3.9.so", "libopenblasp-r#.so", id="digest before the version"),
        pytest.param("libscipy_openblas64_-99b71e71.so", "libscipy_openblas#_.so", id="behind an underscore"),
        pytest.param("msvcp140-263139962577ecda4cd9469ca360a746.dll", "msvcp#.dll", id="vendored by delvewheel"),
        pytest.param("libstd-9f8e7d6c5b4a3921.so", "libstd.so", id="built by cargo"),
        pytest.param("libonnxruntime.so.1.18.0", "libonnxruntime.so", id="version behind the ending"),
        pytest.param("libssl.so.1.0.2k", "libssl.so", id="version with a letter"),
        pytest.param("libc-2.31.so", "libc.so", id="version before the ending"),
        pytest.param("libfoo-2.1.dylib", "libfoo.dylib", id="version of a dylib"),
        pytest.param("libz.1.2.13.dylib", "libz.dylib", id="version behind a dot"),
        pytest.param("foo-1.2.3.jar", "foo.jar", id="jar"),
        pytest.param("libssl-1_1.dll", "libssl.dll", id="version with an underscore"),
        pytest.param(r"C:\Py\python311.dll", "python#.dll", id="version within the name"),
        pytest.param("/usr/bin/python3.11", "python#", id="no ending"),
        pytest.param("_C.cp311-win_amd64.pyd", "_c.pyd", id="Windows extension"),
        pytest.param("_C.cp313t-win_amd64.pyd", "_c.pyd", id="free-threaded extension"),
        pytest.param("x.cpython-311-x86_64-linux-gnu.so", "x.so", id="Linux extension"),
        pytest.param("x.pypy39-pp73-x86_64-linux-gnu.so", "x.so", id="PyPy extension"),
        pytest.param("_tiktoken.abi3.so", "_tiktoken.so", id="stable ABI"),
        pytest.param("addon-3f2b1c9d8e.node", "addon.node", id="bundled addon"),
        pytest.param("addon.3f2b1c9d8e.node", "addon.node", id="bundled addon, dotted"),
        pytest.param("/a/Python.framework/Versions/3.11/Python", "python.framework", id="framework"),
        pytest.param("/a/Foo.framework/Foo", "foo.framework", id="framework without versions"),
        pytest.param("/a/Foo.framework/Versions/A/Libraries/libbar.dylib", "libbar.dylib", id="within a framework"),
        pytest.param("/a/Foo.framework/Versions/A/Bar", "bar", id="a framework's other program"),
        pytest.param("api-ms-win-core-file-l1-2-0.dll", "api-ms-win-core-file.dll", id="API set"),
        pytest.param("ext-ms-win-ntuser-draw-l1-1-0.dll", "ext-ms-win-ntuser-draw.dll", id="API set extension"),
        pytest.param("/x/libfoo.so.1 (deleted)", "libfoo.so", id="deleted"),
        pytest.param("/memfd:jit-cache (deleted)", "memfd:jit-cache", id="memfd"),
        pytest.param("/memfd: (deleted)", "memfd:", id="memfd without a name"),
        pytest.param("[vdso]", "[vdso]", id="of the kernel"),
        pytest.param("evil-1a2b3c4d.so", "evil.so", id="a digest is left out whoever put it there"),
    ],
)
def test_names_across_releases(path: str, name: str) -> None:
    assert module_name(path) == name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        pytest.param("deadbeef.so", "deadbeef.so", id="a word of hexadecimal letters"),
        pytest.param("a34b3233.so", "#.so", id="nothing but a digest"),
        pytest.param("libfoo-bar.so", "libfoo-bar.so", id="a word behind a dash"),
        pytest.param("libfoo-deadbeef.so", "libfoo-deadbeef.so", id="a hexadecimal word behind a dash"),
        pytest.param("libfoo-1a2b3c.so", "libfoo-#.so", id="too short for a digest"),
        pytest.param("1.2.3.so", "#.so", id="nothing but a version"),
        pytest.param(".so", ".so", id="nothing but an ending"),
        pytest.param(".abi3.so", ".abi#.so", id="nothing but a tag"),
        pytest.param("vcruntime140_1.dll", "vcruntime#_#.dll", id="a number behind an underscore"),
        pytest.param("vcruntime140.dll", "vcruntime#.dll", id="and the one without"),
        pytest.param("", "", id="nothing"),
        pytest.param("/", "", id="no name"),
        pytest.param('/x/ "foo" -1', "foo", id="blanks and quotes"),
    ],
)
def test_names_that_look_like_releases_and_are_none(path: str, name: str) -> None:
    assert module_name(path) == name


WHEELS = (
    *(
        "torch.dll",
        "torch_cpu.dll",
        "torch_cuda.dll",
        "torch_python.dll",
        "c10.dll",
        "c10_cuda.dll",
        "shm.dll",
        "uv.dll",
    ),
    *("torch_global_deps.dll", "libiomp5md.dll", "_C.cp311-win_amd64.pyd", "onnxruntime.dll", "DirectML.dll"),
    *("libtorch.so", "libtorch_cpu.so", "libtorch_python.so", "libc10.so", "libshm.so", "libtorch_global_deps.so"),
    *("onnxruntime_providers_shared.dll", "libonnxruntime_providers_shared.so", "libonnxruntime.so.1.18.0"),
    *("onnxruntime_pybind11_state.pyd", "onnxruntime_pybind11_state.so", "tokenizers.abi3.so", "tokenizers.pyd"),
    *(
        "_safetensors_rust.abi3.so",
        "_safetensors_rust.pyd",
        "_tiktoken.cpython-311-x86_64-linux-gnu.so",
        "_tiktoken.pyd",
    ),
    *("_sentencepiece.cpython-311-x86_64-linux-gnu.so", "libctranslate2-1a2b3c4d.so.4.5.0", "ctranslate2.dll"),
    *("libfaiss.so", "_swigfaiss.abi3.so", "_swigfaiss_avx2.abi3.so", "libgomp-a34b3233.so.1.0.0"),
    *("libopenblaso-r0-11edc3fa.3.15.so", "libopenblasp-r0-085ca80a.3.9.so", "libgfortran-040039e1.so.5.0.0"),
    *("libcudart.so.12", "libcublas.so.12", "libcublasLt.so.12", "libcudnn.so.9", "libcudnn_ops.so.9", "libnccl.so.2"),
    *("libggml.so", "libggml-base.so", "libggml-cpu.so", "libggml-cuda.so", "libllama.so", "libmtmd.so"),
    *("libstdc++.so.6.0.30", "libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "libpthread-2.31.so", "python311.dll"),
)


def test_different_libraries_of_wheels_stay_different() -> None:
    names = [module_name(path) for path in WHEELS]
    assert len(set(names)) == len(WHEELS) == 58


ENDINGS = st.sampled_from((".so", ".so.1.2", ".dll", ".pyd", ".dylib", ".node", ".jar", "", " (deleted)"))
PIECES = st.sampled_from(
    (
        "lib",
        "foo",
        "64",
        "_",
        "-",
        ".",
        "-a34b3233",
        "-1.2.3",
        ".abi3",
        ".cpython-311",
        "#",
        "deadbeef",
        "so",
        "v2",
        " ",
    )
)
NAMES = st.builds(lambda parts, ending: "".join(parts) + ending, st.lists(PIECES, max_size=6), ENDINGS)
PATHS = st.lists(NAMES | st.sampled_from(("/", "\\", '"', "\n")), max_size=4).map("".join)


@settings(max_examples=500)
@given(texts(400) | NAMES | PATHS | st.text("a1-._# so", max_size=30))
def test_names_are_idempotent_and_bounded(path: str) -> None:
    name = module_name(path)
    assert module_name(name) == name
    assert len(name) <= 256 + len(".framework")


@given(NAMES)
def test_a_name_never_vanishes(name: str) -> None:
    assert module_name(f"/x/lib{name}").startswith("lib")
    assert module_name(f"/x/1a2b3c4d{name}")


@pytest.mark.parametrize(
    "path",
    ["a" + "-1" * 500_000, "a." * 500_000, "-" * 1_000_000, "x.so" + ".1" * 500_000, "a.framework/" * 90_000 + "a"],
    ids=["versions", "dots", "dashes", "versions behind the ending", "frameworks"],
)
def test_a_megabyte_is_bounded(path: str) -> None:
    assert len(module_name(path)) <= 256


def test_a_release_is_no_new_module_and_its_digest_is_another() -> None:
    before = loaded("/x/libgomp-a34b3233.so.1.0.0", digest="ab")
    after = loaded("/x/libgomp-d22c30c5.so.1.0.0", digest="cd")
    seen = summary_of([before, after]).sightings
    assert set(seen[Facet.MODULE]) == {("libgomp.so",)}
    assert set(seen[Facet.MODULE_DIGEST]) == {("libgomp.so", "ab"), ("libgomp.so", "cd")}


def test_the_own_image_is_no_module() -> None:
    image = Process(image="/opt/agent-1.2.3")
    assert Facet.MODULE not in summary_of([loaded("/opt/agent-1.2.3", who=image)]).sightings

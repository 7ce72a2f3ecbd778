# For firmware of your own: freezes the library into it (https://docs.micropython.org/en/latest/reference/manifest.html).
metadata(description="A lightweight IoT client for Firebase", version="0.1.0")  # noqa: F821
package("flamelet", base_path="lib")  # noqa: F821

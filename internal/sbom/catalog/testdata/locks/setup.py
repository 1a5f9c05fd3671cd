from setuptools import setup

setup(
    name="shop",
    install_requires=[
        "flask==1.0",  # the web
        'requests==2.19.0',
        "numpy>=1.19",
    ],
    extras_require={"tests": ["pytest==6.0.0"]},
)
